//! `cargo xtask bench`: measurements of release builds.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::processes::{Processes, shown};
use crate::workspace::Workspace;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure.
    #[arg(value_enum)]
    name: Name,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Name {
    /// The quickstart: time until ready, and idle memory, over twenty starts.
    Start,
}

/// Runs the command.
pub(crate) fn run(args: &Args, workspace: &Workspace, processes: &Processes) -> Result<ExitCode> {
    let Name::Start = args.name;
    let mut build = workspace.cargo("build");
    build.args(["--release", "--package", "quickstart", "--package", "purlin-bench"]);
    let release = workspace.target.join("release");
    let mut bench = std::process::Command::new(release.join("purlin-bench"));
    bench.arg("start").arg(release.join("quickstart")).args(["--", "--profile", "dev"]);
    for command in [&mut build, &mut bench] {
        let status = processes.stream(command, |_| {})?;
        if !status.success() {
            bail!("{} ({status})", shown(command));
        }
    }
    Ok(ExitCode::SUCCESS)
}
