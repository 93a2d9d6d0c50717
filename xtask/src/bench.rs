//! `cargo xtask bench`: measurements of release builds.

mod figures;
mod graph;

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use self::figures::Figures;
use crate::processes::{Processes, shown};
use crate::workspace::Workspace;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure.
    #[arg(value_enum)]
    name: Name,
    /// Put the figures into docs/performance.md.
    #[arg(long)]
    write: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Name {
    /// The quickstart: time until ready, and idle memory, over twenty starts.
    Start,
    /// A graph of 100 modules: time to build, start and stop it, beside fx of Go, and instructions.
    Graph,
}

/// What a measurement works with.
struct Bench<'a> {
    workspace: &'a Workspace,
    processes: &'a Processes,
    figures: Figures,
}

/// Runs the command.
pub(crate) fn run(args: &Args, workspace: &Workspace, processes: &Processes) -> Result<ExitCode> {
    let mut bench = Bench { workspace, processes, figures: Figures::default() };
    let name = match args.name {
        Name::Start => {
            bench.start()?;
            "start"
        }
        Name::Graph => {
            bench.graph()?;
            "graph"
        }
    };
    bench.figures.add(&figures::machine(processes)?);
    if args.write {
        bench.figures.write(&workspace.root.join("docs/performance.md"), name)?;
    }
    Ok(ExitCode::SUCCESS)
}

// === impl Bench ===

impl Bench<'_> {
    fn start(&mut self) -> Result<()> {
        self.build(&["quickstart", "purlin-bench"])?;
        let mut bench = self.harness();
        bench.arg("start").arg(self.workspace.target.join("release/quickstart"));
        bench.args(["--", "--profile", "dev"]);
        self.measure(&mut bench)
    }

    fn build(&self, packages: &[&str]) -> Result<()> {
        let mut build = self.workspace.cargo("build");
        build.arg("--release").args(packages.iter().flat_map(|package| ["--package", package]));
        let status = self.processes.stream(&mut build, |_| {})?;
        if !status.success() {
            bail!("{} ({status})", shown(&build));
        }
        Ok(())
    }

    /// The program that measures.
    fn harness(&self) -> Command {
        Command::new(self.workspace.target.join("release/purlin-bench"))
    }

    /// Runs a measurement, and keeps what it prints.
    fn measure(&mut self, command: &mut Command) -> Result<()> {
        let status = self.processes.stream(command, |line| self.figures.keep(line))?;
        if !status.success() {
            bail!("{} ({status})", shown(command));
        }
        Ok(())
    }
}
