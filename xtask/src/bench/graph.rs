//! The graph of 100 modules: times beside a peer, and instructions.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::Bench;
use crate::servers::{self, Site};

/// The most instructions that building, starting and stopping 100 modules may take: a fifth above
/// what it takes, since hash tables are seeded anew in each run.
const BUDGET: u64 = 13_000_000;

// === impl Bench ===

impl Bench<'_> {
    pub(super) fn graph(&mut self) -> Result<()> {
        self.build(&["purlin-bench"])?;
        let mut bench = self.harness();
        bench.arg("graph");
        self.add_graph_peer(&mut bench);
        self.measure(&mut bench)?;
        self.graph_budget()
    }

    /// Counts the instructions of the graph.
    pub(super) fn graph_budget(&mut self) -> Result<()> {
        let instructions = self.instructions()?;
        let figure = format!("instructions of 100 modules: {instructions}, of at most {BUDGET}");
        self.figures.add(&figure);
        ensure!(instructions <= BUDGET, "100 modules cost more than they may: profile it");
        Ok(())
    }

    /// What 100 modules cost over an application without any.
    fn instructions(&self) -> Result<u64> {
        let directory = tempfile::tempdir().context("could not create a directory to count in")?;
        let count = |arguments: &[&str]| {
            let site = Site { workspace: self.workspace, processes: self.processes };
            let (mut valgrind, _) = servers::valgrind(&site)?;
            let file = directory.path().join("counted");
            valgrind.arg("--tool=callgrind");
            valgrind.arg(format!("--callgrind-out-file={}", file.display()));
            valgrind.arg(self.harness().get_program()).args(["once", "--single-thread"]);
            // Variables are looked through for misspelled names: every machine has others.
            for (name, _) in env::vars_os().filter(|(name, _)| name != "PATH") {
                valgrind.env_remove(name);
            }
            self.processes.capture(valgrind.args(arguments).current_dir(directory.path()))?;
            total(&file)
        };
        let (all, none) = (count(&[])?, count(&["--empty"])?);
        all.checked_sub(none).context("no module cost more than 100 of them")
    }
}

/// The sum in what callgrind wrote.
fn total(file: &Path) -> Result<u64> {
    let text =
        fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals:"));
    line.and_then(|line| line.trim().parse().ok())
        .with_context(|| format!("callgrind wrote no total into {}", file.display()))
}
