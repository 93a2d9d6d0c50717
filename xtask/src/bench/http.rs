//! Requests: instructions as the gate, times beside peers as the report.

use anyhow::Result;

use super::Bench;
use crate::servers::{self, Site};

// === impl Bench ===

impl Bench<'_> {
    /// Counts instructions and allocations.
    pub(super) fn requests(&mut self) -> Result<()> {
        self.build(&["purlin-bench"])?;
        let site = Site { workspace: self.workspace, processes: self.processes };
        let (valgrind, _) = servers::valgrind(&site)?;
        let mut bench = self.harness();
        bench.arg("count").arg("--valgrind").arg(valgrind.get_program());
        // Where it finds its tools.
        bench.envs(valgrind.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.measure(&mut bench)
    }

    /// Times requests.
    pub(super) fn http(&mut self, write: bool) -> Result<()> {
        self.build(&["purlin-bench"])?;
        let mut bench = self.harness();
        bench.arg("http");
        if write {
            bench.arg("--charts").arg(self.workspace.root.join("docs/performance"));
        }
        self.add_http_peers(&mut bench);
        self.measure(&mut bench)
    }

    /// Times requests of clients that come and go.
    pub(super) fn churn(&mut self) -> Result<()> {
        self.build(&["purlin-bench"])?;
        let mut bench = self.harness();
        self.measure(bench.arg("churn"))
    }
}
