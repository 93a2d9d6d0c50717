//! `cargo xtask bench`: measurements of release builds.

mod build;
mod figures;
mod graph;
mod http;
mod peers;

use std::process::{Command, ExitCode};
use std::slice;

use anyhow::{Result, bail};
use clap::ValueEnum;

use self::figures::Figures;
use crate::processes::{Processes, shown};
use crate::workspace::Workspace;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure [default: all, one after the other].
    #[arg(value_enum)]
    name: Option<Name>,
    /// Put the figures into docs/performance.md.
    #[arg(long)]
    write: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Name {
    /// Instructions and allocations of a request, without layers and with them, beside axum; fails
    /// where a budget is exceeded.
    Requests,
    /// Processor time of a request and what callers wait, beside axum, the same layers by hand, and
    /// peers: loco, summer-rs, and Go with fx, chi and otelhttp.
    Http,
    /// The same without layers, for clients that take a new connection every 25 requests.
    Churn,
    /// The quickstart: time until ready, and idle memory, over twenty starts.
    Start,
    /// A graph of 100 modules: time to build, start and stop it, beside fx of Go, and instructions;
    /// fails where its budget is exceeded.
    Graph,
    /// Clean and incremental builds of a minimal service and of the quickstart, beside axum, tokio
    /// and tracing by hand, and the way from an edit to the first answer.
    Build,
}

/// What a measurement works with.
struct Bench<'a> {
    workspace: &'a Workspace,
    processes: &'a Processes,
    figures: Figures,
}

/// Runs the command.
pub(crate) fn run(args: &Args, workspace: &Workspace, processes: &Processes) -> Result<ExitCode> {
    let names = args.name.as_ref().map_or_else(Name::value_variants, slice::from_ref);
    for name in names {
        let shown = name.to_possible_value().expect("no name is hidden").get_name().to_owned();
        println!("=== {shown} ===");
        let mut bench = Bench { workspace, processes, figures: Figures::default() };
        match name {
            Name::Requests => bench.requests()?,
            Name::Http => bench.http(args.write)?,
            Name::Churn => bench.churn()?,
            Name::Start => bench.start()?,
            Name::Graph => bench.graph()?,
            Name::Build => bench.builds()?,
        }
        bench.figures.add(&figures::machine(processes)?);
        if args.write {
            bench.figures.write(&workspace.root.join("docs/performance.md"), &shown)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Counts what has a budget: instructions and allocations, which repeat on a machine that is busy.
pub(crate) fn budgets(workspace: &Workspace, processes: &Processes) -> Result<()> {
    let mut bench = Bench { workspace, processes, figures: Figures::default() };
    bench.requests()?;
    bench.graph_budget()
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
