//! `cargo xtask ci`: every check that a change has to pass.
//!
//! All steps run, even after one has failed, so that one run shows all there is to mend.

mod invariants;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::bench;
use crate::fuzz::FUZZ;
use crate::processes::{Processes, shown};
use crate::table::Table;
use crate::test::{self, Demand};
use crate::tools::{DENY, HACK};
use crate::totals::Totals;
use crate::workspace::{EVERYTHING, Workspace};

/// Which steps to run.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// Run only these steps, in the order of CI [default: all].
    #[arg(value_name = "STEP", value_parser = steps().map(|step| step.name))]
    steps: Vec<String>,
}

const HELP: &str = "\
Steps:
  format       rustfmt changes nothing
  invariants   the core names no transport, modules do not name the facade, files stay short
  deny         licences, banned and duplicate crates, sources
  advisories   known vulnerabilities; skipped, and said so, where the database is out of reach
  clippy       no warning
  features     each feature compiles on its own
  docs         rustdoc without a warning
  test         unit, integration and documentation tests, on required servers
  downstream   a crate outside of the workspace that depends on `purlin` alone
  fuzz         the corpus of every fuzz target, and what is near to it
  budgets      the instructions and allocations of a request and of a graph

Examples:
  cargo xtask ci                  what the CI runs
  cargo xtask ci format clippy    a look before a commit";

/// One check.
struct Step<'a> {
    name: &'static str,
    run: fn(&mut Ci<'a>) -> Result<Verdict>,
}

/// What steps work with, and add to.
struct Ci<'a> {
    workspace: &'a Workspace,
    processes: &'a Processes,
    totals: Totals,
}

/// How a step ended that did not fail.
enum Verdict {
    Passed,
    Skipped(String),
}

/// The crate outside of the workspace.
const DOWNSTREAM: &str = "tests/downstream";

/// Gives a workspace beside ours the versions that we use; returns its manifest.
pub(crate) fn lend_lock_file(workspace: &Workspace, directory: &str) -> Result<PathBuf> {
    let to = workspace.root.join(directory);
    fs::copy(workspace.root.join("Cargo.lock"), to.join("Cargo.lock"))
        .with_context(|| format!("could not lend Cargo.lock to {directory}"))?;
    Ok(to.join("Cargo.toml"))
}

/// Runs the command.
pub(crate) fn run(args: &Args, workspace: &Workspace, processes: &Processes) -> Result<ExitCode> {
    let wanted =
        |step: &&Step<'_>| args.steps.is_empty() || args.steps.iter().any(|s| s == step.name);
    let mut ci = Ci { workspace, processes, totals: Totals::default() };
    let mut table = Table::new(["step", "time", "result"]);
    let mut failed = false;
    let started = Instant::now();
    for step in steps().iter().filter(wanted) {
        println!("\n=== {} ===", step.name);
        let began = Instant::now();
        let result = match (step.run)(&mut ci) {
            Ok(Verdict::Passed) => "passed".to_owned(),
            Ok(Verdict::Skipped(reason)) => format!("skipped: {reason}"),
            Err(error) => {
                failed = true;
                println!("error: {error:#}");
                "FAILED".to_owned()
            }
        };
        table.row([step.name.to_owned(), seconds(began.elapsed()), result]);
        if processes.interrupted() {
            bail!("interrupted in step {}", step.name);
        }
    }
    table.row(["all".to_owned(), seconds(started.elapsed()), verdict(failed).to_owned()]);
    println!("\n{table}\n{}", ci.totals);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Every check, the quick ones first.
fn steps<'a>() -> [Step<'a>; 11] {
    [
        Step { name: "format", run: Ci::format },
        Step { name: "invariants", run: Ci::invariants },
        Step { name: "deny", run: Ci::deny },
        Step { name: "advisories", run: Ci::advisories },
        Step { name: "clippy", run: Ci::clippy },
        Step { name: "features", run: Ci::features },
        Step { name: "docs", run: Ci::docs },
        Step { name: "test", run: Ci::test },
        Step { name: "downstream", run: Ci::downstream },
        Step { name: "fuzz", run: Ci::fuzz },
        Step { name: "budgets", run: Ci::budgets },
    ]
}

fn verdict(failed: bool) -> &'static str {
    if failed { "FAILED" } else { "passed" }
}

fn seconds(time: Duration) -> String {
    format!("{:>7.1} s", time.as_secs_f64())
}

// === impl Ci ===

impl Ci<'_> {
    fn format(&mut self) -> Result<Verdict> {
        self.cargo(self.workspace.cargo("fmt").args(["--all", "--check"]))?;
        let manifest = format!("{DOWNSTREAM}/Cargo.toml");
        self.cargo(self.workspace.cargo("fmt").args(["--check", "--manifest-path", &manifest]))
    }

    fn invariants(&mut self) -> Result<Verdict> {
        invariants::check(self.workspace, self.processes)?;
        Ok(Verdict::Passed)
    }

    fn deny(&mut self) -> Result<Verdict> {
        let mut deny = DENY.command(self.workspace, self.processes)?;
        self.cargo(deny.args(["--all-features", "check", "bans", "licenses", "sources"]))
    }

    /// The database lies on a git host, which not every machine may reach.
    fn advisories(&mut self) -> Result<Verdict> {
        let mut fetch = DENY.command(self.workspace, self.processes)?;
        if let Err(error) = self.processes.capture(fetch.args(["fetch", "db"])) {
            println!("{error:#}");
            return Ok(Verdict::Skipped("the advisory database is out of reach".to_owned()));
        }
        let mut deny = DENY.command(self.workspace, self.processes)?;
        self.cargo(deny.args(["--all-features", "check", "--disable-fetch", "advisories"]))
    }

    fn clippy(&mut self) -> Result<Verdict> {
        let mut clippy = self.workspace.cargo("clippy");
        self.cargo(clippy.args(EVERYTHING).args(["--all-targets", "--", "-D", "warnings"]))
    }

    fn features(&mut self) -> Result<Verdict> {
        let packages = self.workspace.packages.iter();
        let with_features =
            packages.filter(|package| package.features.keys().any(|f| f != "default"));
        let mut hack = HACK.command(self.workspace, self.processes)?;
        // All at once is what every other step compiles, and the default is another name for one.
        hack.args(["check", "--each-feature", "--exclude-all-features", "--skip", "default"]);
        hack.arg("--no-dev-deps");
        hack.args(with_features.flat_map(|package| ["--package", &package.name]));
        self.cargo(&mut hack)
    }

    fn docs(&mut self) -> Result<Verdict> {
        let mut doc = self.workspace.cargo("doc");
        self.cargo(doc.args(EVERYTHING).arg("--no-deps").env("RUSTDOCFLAGS", "-D warnings"))
    }

    fn test(&mut self) -> Result<Verdict> {
        let mut test = self.workspace.cargo("test");
        test.args(EVERYTHING).arg("--no-fail-fast");
        let demand = Demand::Require;
        let outcome = test::with_servers(&mut test, true, demand, self.workspace, self.processes)?;
        self.totals += outcome.totals;
        if !outcome.passed {
            bail!("{}", outcome.totals);
        }
        Ok(Verdict::Passed)
    }

    fn downstream(&mut self) -> Result<Verdict> {
        self.outside(DOWNSTREAM)
    }

    fn fuzz(&mut self) -> Result<Verdict> {
        self.outside(FUZZ)
    }

    fn budgets(&mut self) -> Result<Verdict> {
        bench::budgets(self.workspace, self.processes)?;
        Ok(Verdict::Passed)
    }

    /// Tests a workspace beside ours.
    ///
    /// It builds with our lock file, in our target directory: what both use is compiled once.
    fn outside(&mut self, directory: &str) -> Result<Verdict> {
        let manifest = lend_lock_file(self.workspace, directory)?;
        let mut test = self.workspace.cargo("test");
        test.args(["--no-fail-fast", "--manifest-path"]).arg(manifest);
        self.cargo(test.arg("--target-dir").arg(&self.workspace.target))
    }

    /// Runs a command whose exit code is the verdict, and counts the tests that it ran.
    fn cargo(&mut self, command: &mut Command) -> Result<Verdict> {
        println!("$ {}", shown(command));
        let status = self.processes.stream(command, |line| self.totals.read(line))?;
        if !status.success() {
            bail!("{} ({status})", shown(command));
        }
        Ok(Verdict::Passed)
    }
}
