//! `cargo xtask chaos`: the tests that break things, for as long as it takes to believe them.
//!
//! Each suite is a binary of tests, which runs in a short form with all others. Here it runs in a
//! release build, as often as is asked for, and says its figures.

use std::process::ExitCode;

use anyhow::Result;

use crate::processes::{Processes, shown};
use crate::servers::{self, Site};
use crate::workspace::Workspace;

/// What to break, and how often.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// Run only these; without any, all.
    #[arg(value_enum)]
    suites: Vec<Suite>,
    /// How often each breaks what it breaks.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Suite {
    /// Quickstarts that take each other's place on one port while clients use them.
    Rolling,
}

const HELP: &str = "\
Examples:
  cargo xtask chaos                        every suite, 100 rounds each
  cargo xtask chaos rolling --rounds 1000  one of them, for longer

The figures of the last run are in docs/reliability.md.";

/// Runs the command.
pub(crate) fn run(args: &Args, workspace: &Workspace, processes: &Processes) -> Result<ExitCode> {
    let suites = if args.suites.is_empty() {
        <Suite as clap::ValueEnum>::value_variants()
    } else {
        &args.suites
    };
    let netns = servers::netns(&Site { workspace, processes });
    let mut code = ExitCode::SUCCESS;
    for suite in suites {
        let mut cargo = workspace.cargo("test");
        let (package, test) = suite.test();
        cargo.args(["--release", "--all-features", "--package", package, "--test", test, "--"]);
        // One after the other, so that each has the machine to itself.
        cargo.args(["--nocapture", "--test-threads=1"]);
        cargo.env("PURLIN_CHAOS_ROUNDS", args.rounds.to_string());
        netns.tell(&mut cargo);
        let status = processes.stream(&mut cargo, |_| {})?;
        if !status.success() {
            println!("error: {} ({status})", shown(&cargo));
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

// === impl Suite ===

impl Suite {
    /// The package, and its binary of tests.
    fn test(self) -> (&'static str, &'static str) {
        match self {
            Self::Rolling => ("quickstart", "rolling"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use clap::ValueEnum;

    use super::Suite;

    /// It would break nothing if it did not heed how often it is asked to.
    #[test]
    fn every_suite_heeds_its_rounds() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for suite in Suite::value_variants() {
            let (package, test) = suite.test();
            let source = root.join(format!("examples/{package}/tests/{test}/main.rs"));
            let source = fs::read_to_string(source).expect("the suite has a file");
            assert!(source.contains("PURLIN_CHAOS_ROUNDS"), "{test}");
        }
    }
}
