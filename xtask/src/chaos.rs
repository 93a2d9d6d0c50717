//! `cargo xtask chaos`: the tests that break things, for as long as it takes to believe them.
//!
//! Each suite is a test of its crate, which runs in a short form with all others. Here it runs in a
//! release build, as often as is asked for, and says its figures.

use std::process::ExitCode;

use anyhow::Result;

use crate::processes::{Processes, shown};
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
    /// Services that take each other's place on one port while clients use them.
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
    let mut code = ExitCode::SUCCESS;
    for suite in suites {
        let (package, test, name) = suite.test();
        let features = ["--release", "--all-features", "--package", package];
        // The programs that are broken are examples; `cargo test` would make tests of them.
        let mut build = workspace.cargo("build");
        build.args(features).arg("--examples");
        let mut cargo = workspace.cargo("test");
        cargo.args(features).args(["--test", test, "--", "--exact", name, "--nocapture"]);
        cargo.env("PURLIN_CHAOS_ROUNDS", args.rounds.to_string());
        let mut status = processes.stream(&mut build, |_| {})?;
        if status.success() {
            status = processes.stream(&mut cargo, |_| {})?;
        }
        if !status.success() {
            println!("error: {} ({status})", shown(&cargo));
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

// === impl Suite ===

impl Suite {
    /// The package, its binary of tests, and the test in it.
    fn test(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Rolling => ("purlin-http", "rolling", "rolling_restarts_fail_no_request"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use clap::ValueEnum;

    use super::Suite;

    /// A filter that meets nothing would pass.
    #[test]
    fn every_suite_is_a_test_that_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for suite in Suite::value_variants() {
            let (package, test, name) = suite.test();
            let place = package.strip_prefix("purlin-").expect("a package of ours");
            let source = root.join(format!("modules/{place}/tests/{test}/main.rs"));
            let source = fs::read_to_string(source).expect("the suite has a file");
            assert!(source.contains(&format!("async fn {name}()")), "{name}");
        }
    }
}
