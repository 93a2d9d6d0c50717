//! `cargo xtask test`: every test, and the servers that they talk to.

mod report;

use std::env;
use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::processes::Processes;
use crate::servers::{self, Site};
use crate::test::report::Report;
use crate::totals::Totals;
use crate::workspace::{EVERYTHING, Workspace};

/// What to run.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// Run only tests whose name contains one of these.
    filters: Vec<String>,
    /// Run only the tests of this crate; may be given several times.
    #[arg(long, value_name = "CRATE")]
    only: Vec<String>,
}

/// How strict a run is about servers that could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// A suite without its server is skipped.
    Wish,
    /// A suite without its server has failed, and so has a server that no suite met. Some servers
    /// not every machine can have: what needs them is skipped even then.
    Require,
}

/// How a run of tests ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) totals: Totals,
    pub(crate) passed: bool,
}

const HELP: &str = "\
Examples:
  cargo xtask test                        every test
  cargo xtask test --only purlin-core     the tests of one crate
  cargo xtask test drain stop             the tests whose name contains `drain` or `stop`
  PURLIN_TEST_SERVERS=require cargo xtask test
                                          every test, on every server, as in CI

Each server is taken from its variable (PURLIN_TEST_PROMTOOL=/usr/bin/promtool), else from this
machine, else from a package, which is fetched into the cache and not installed. A suite whose
server could not be had is shown as skipped, with the reason.";

/// Runs the command.
pub(crate) fn run(args: &Args, workspace: &Workspace, processes: &Processes) -> Result<ExitCode> {
    let demand = Demand::of(env::var("PURLIN_TEST_SERVERS").ok().as_deref())?;
    let mut cargo = workspace.cargo("test");
    if args.only.is_empty() {
        cargo.args(EVERYTHING);
    } else {
        cargo.arg("--all-features");
        cargo.args(args.only.iter().flat_map(|name| ["--package", name]));
    }
    cargo.args(["--no-fail-fast", "--"]).args(&args.filters);
    let whole = args.only.is_empty() && args.filters.is_empty();
    let outcome = with_servers(&mut cargo, whole, demand, workspace, processes)?;
    println!("{}", outcome.totals);
    Ok(if outcome.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs tests with every server that can be had, and shows which suite met which.
///
/// `whole` says that all suites run, so that a server which nobody met is worth a word.
pub(crate) fn with_servers(
    cargo: &mut Command,
    whole: bool,
    demand: Demand,
    workspace: &Workspace,
    processes: &Processes,
) -> Result<Outcome> {
    let candidates = servers::discover(&Site { workspace, processes });
    candidates.iter().for_each(|candidate| candidate.tell(cargo));
    if demand == Demand::Require {
        cargo.env("PURLIN_TEST_SERVERS", "require");
    }
    let file = tempfile::NamedTempFile::new().context("could not create the suites' report")?;
    cargo.env("PURLIN_TEST_REPORT", file.path());

    let mut totals = Totals::default();
    let status = processes.stream(cargo, |line| totals.read(line))?;
    let lines = fs::read_to_string(file.path()).context("could not read the suites' report")?;
    let report = Report::new(&lines, &candidates, whole)?;
    totals.skipped_after_all(report.skipped_tests());

    println!("\n{report}");
    let complaints = report.complaints(demand);
    complaints.iter().for_each(|complaint| println!("error: {complaint}"));
    Ok(Outcome { totals, passed: status.success() && complaints.is_empty() })
}

// === impl Demand ===

impl Demand {
    /// Reads the value of `PURLIN_TEST_SERVERS`.
    fn of(value: Option<&str>) -> Result<Self> {
        match value {
            None | Some("") => Ok(Self::Wish),
            Some("require") => Ok(Self::Require),
            Some(other) => bail!("PURLIN_TEST_SERVERS={other}: write `require`, or leave it out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Demand;

    #[test]
    fn only_one_word_makes_a_server_required() {
        assert_eq!(Demand::of(None).unwrap(), Demand::Wish);
        assert_eq!(Demand::of(Some("require")).unwrap(), Demand::Require);
        let error = Demand::of(Some("yes")).unwrap_err().to_string();
        assert_eq!(error, "PURLIN_TEST_SERVERS=yes: write `require`, or leave it out");
    }
}
