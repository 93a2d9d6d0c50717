//! `cargo xtask fuzz`: libFuzzer on every parser of ours.
//!
//! It needs a nightly compiler, which is not fetched: that is the business of whoever owns the
//! machine. Without it `cargo xtask ci fuzz` still replays the corpus.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::ci::lend_lock_file;
use crate::processes::{Processes, shown};
use crate::tools::CARGO_FUZZ;
use crate::workspace::Workspace;

/// Where the targets are.
pub(crate) const FUZZ: &str = "fuzz";

/// What to fuzz, and for how long.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// The targets [default: all].
    targets: Vec<String>,
    /// How long each is fuzzed.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

const HELP: &str = "\
Examples:
  cargo xtask fuzz --seconds 3600   an hour for each target
  cargo xtask fuzz cron yaml        a minute for these two

Inputs that reach new code are kept in fuzz/found, for the next run to go on from. What fails is
left in fuzz/artifacts: put it into fuzz/corpus/<target> with the fix, so that it is replayed for
good.";

/// Runs the command.
pub(crate) fn run(args: &Args, workspace: &Workspace, processes: &Processes) -> Result<ExitCode> {
    let known = targets(workspace)?;
    if let Some(unknown) = args.targets.iter().find(|target| !known.contains(target)) {
        bail!("there is no target `{unknown}`; there are {}", known.join(", "));
    }
    processes
        .capture(Command::new("rustc").args(["+nightly", "--version"]))
        .context("there is no nightly compiler; `rustup toolchain install nightly` installs one")?;
    lend_lock_file(workspace, FUZZ)?;
    let mut failed = Vec::new();
    let wanted = known.iter().filter(|name| args.targets.is_empty() || args.targets.contains(name));
    for target in wanted {
        let found = format!("{FUZZ}/found/{target}");
        fs::create_dir_all(workspace.root.join(&found))
            .with_context(|| format!("could not create {found}"))?;
        let mut fuzz = CARGO_FUZZ.command(workspace, processes)?;
        fuzz.env("RUSTUP_TOOLCHAIN", "nightly")
            .args(["run", "--features", "libfuzzer", target])
            .args([&found, &format!("{FUZZ}/corpus/{target}")])
            .arg("--")
            .arg(format!("-max_total_time={}", args.seconds))
            .args(["-max_len=4096", "-timeout=10"]);
        println!("$ {}", shown(&fuzz));
        if !processes.stream(&mut fuzz, |_| {})?.success() {
            failed.push(target.as_str());
        }
        if processes.interrupted() {
            bail!("interrupted while {target} was fuzzed");
        }
    }
    if !failed.is_empty() {
        bail!("findings in {}: see fuzz/artifacts", failed.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

/// The names of all targets.
fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let directory = workspace.root.join(FUZZ).join("fuzz_targets");
    let listed = || format!("could not list {}", directory.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&directory).with_context(listed)? {
        let path = entry.with_context(listed)?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}
