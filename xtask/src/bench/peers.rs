//! Peers: services of other frameworks, each in a workspace of its own, built when they are wanted.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::Bench;

/// What a peer is built with.
#[derive(Clone, Copy)]
enum Tool {
    Go,
    Cargo,
}

/// The peers of the HTTP measurements, by the names of their directories.
const HTTP: [(&str, Tool); 3] =
    [("go-http", Tool::Go), ("loco", Tool::Cargo), ("summer-rs", Tool::Cargo)];

// === impl Bench ===

impl Bench<'_> {
    /// Adds the peers of the HTTP measurements that can be built here, and says which cannot.
    pub(super) fn add_http_peers(&mut self, harness: &mut Command) {
        for (name, tool) in HTTP {
            self.add_peer(name, harness, |bench| bench.peer(name, tool));
        }
    }

    /// Adds the peer of the graph.
    pub(super) fn add_graph_peer(&mut self, harness: &mut Command) {
        self.add_peer("go-fx", harness, |bench| bench.peer("go-fx", Tool::Go));
    }

    fn add_peer(
        &mut self,
        name: &str,
        harness: &mut Command,
        build: impl Fn(&Self) -> Result<PathBuf>,
    ) {
        match build(self) {
            Ok(program) => {
                harness.arg("--peer").arg(format!("{name}={}", program.display()));
            }
            Err(error) => self.figures.add(&format!("{name} is left out: {error:#}")),
        }
    }

    fn peer(&self, name: &str, tool: Tool) -> Result<PathBuf> {
        let source = self.workspace.root.join("framework/bench/peers").join(name);
        let directory = self.workspace.cache("bench");
        fs::create_dir_all(&directory).context("could not create a directory for it")?;
        println!("building {name}");
        match tool {
            Tool::Go => {
                let program = directory.join(name);
                let mut build = Command::new("go");
                build.args(["build", "-trimpath", "-o"]).arg(&program).arg(".");
                self.processes.capture(build.current_dir(source))?;
                Ok(program)
            }
            Tool::Cargo => {
                let mut build = Command::new("cargo");
                build.args(["build", "--release", "--locked", "--target-dir"]).arg(&directory);
                self.processes.capture(build.current_dir(source))?;
                Ok(directory.join("release").join(format!("{name}-peer")))
            }
        }
    }
}
