//! The cost of the framework itself: a graph of 100 modules, built, started and stopped.
//!
//! One run happens in a process of its own, as every service does it once in its life. What is
//! measured is the work between `main` and "ready", without the start of the process.

mod modules;

use std::{collections::BTreeMap, path::PathBuf, process::Command, time::Instant};

use anyhow::{Context, Result, ensure};
use purlin_core::app::AppBuilder;

use self::modules::Slow;
use crate::spread::Spread;

/// What is compared, and how often.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A peer that prints the same figures, as `name=program`; may be given several times.
    #[arg(long = "peer", value_name = "NAME=PROGRAM", value_parser = peer)]
    peers: Vec<(String, PathBuf)>,
    /// How often each runs; they take turns.
    #[arg(long, default_value_t = 40)]
    times: usize,
}

/// One run.
#[derive(Debug, clap::Args)]
pub(crate) struct Once {
    /// An application without modules, to be subtracted from one with them.
    #[arg(long)]
    empty: bool,
    /// A few modules that take a while to start, and of which most need not wait for one another.
    #[arg(long, conflicts_with = "empty")]
    slow: bool,
    /// One thread, so that two runs execute the same instructions.
    #[arg(long)]
    single_thread: bool,
}

/// The phases, as a run prints them, each with its time in microseconds.
const PHASES: [&str; 3] = ["build", "start", "stop"];

fn peer(text: &str) -> Result<(String, PathBuf)> {
    let (name, program) = text.split_once('=').context("write it as name=program")?;
    Ok((name.to_owned(), program.into()))
}

/// Runs everybody in turn, and prints the figures.
pub(crate) fn run(args: &Args) -> Result<()> {
    let this = std::env::current_exe().context("could not find this program")?;
    let contestants =
        [("purlin".to_owned(), this.clone())].into_iter().chain(args.peers.iter().cloned());
    let contestants: Vec<_> = contestants.collect();
    let mut series: BTreeMap<(usize, &str), Vec<f64>> = BTreeMap::new();
    // In turn, so that whatever else this machine does is done to all of them.
    for _ in 0..args.times {
        for (who, (_, program)) in contestants.iter().enumerate() {
            let mut command = Command::new(program);
            if *program == this {
                command.arg("once");
            }
            let took = times(&mut command).with_context(|| program.display().to_string())?;
            for (phase, micros) in took {
                series.entry((who, phase)).or_default().push(micros);
            }
        }
    }
    for (who, (name, _)) in contestants.iter().enumerate() {
        for phase in PHASES.into_iter().chain(["all"]) {
            let spread = series.remove(&(who, phase)).and_then(Spread::of);
            println!("{name:8} {phase:6} µs   {}", spread.context("--times must be at least 1")?);
        }
    }
    println!("{} runs each of {} modules", args.times, modules::COUNT);
    slow(Command::new(this).args(["once", "--slow"]), args.times)
}

/// How long a start takes of which most can be done at the same time.
fn slow(command: &mut Command, runs: usize) -> Result<()> {
    let mut starts = Vec::with_capacity(runs);
    for _ in 0..runs {
        let took = times(command)?;
        starts.extend(took.iter().filter(|(phase, _)| *phase == "start").map(|(_, us)| us / 1e3));
    }
    let Slow { count, depth, each } = modules::SLOW;
    println!(
        "start of {count} modules that take {each:?} each, ms {}; the longest path is {:?}, their sum {:?}",
        Spread::of(starts).context("--times must be at least 1")?,
        each * depth,
        each * count
    );
    Ok(())
}

/// Runs a program once, and reads its figures.
fn times(command: &mut Command) -> Result<Vec<(&'static str, f64)>> {
    let output = command.output().context("could not be started")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let failure =
        || format!("{}: {}{}", output.status, said, String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), failure());
    let of_phase = |phase: &str| {
        let rest = said.lines().find_map(|line| line.strip_prefix(phase));
        rest.and_then(|rest| rest.trim().parse::<f64>().ok()).with_context(failure)
    };
    let mut all = Vec::new();
    for phase in PHASES {
        all.push((phase, of_phase(phase)?));
    }
    all.push(("all", all.iter().map(|(_, micros)| micros).sum()));
    Ok(all)
}

/// One run, in this process.
pub(crate) fn once(args: &Once) -> Result<()> {
    let mut runtime = match args.single_thread {
        true => tokio::runtime::Builder::new_current_thread(),
        false => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = runtime.enable_all().build().context("could not build a runtime")?;
    // Boxed, since the future holds the whole builder.
    let builder = match (args.empty, args.slow) {
        (true, _) => modules::none(),
        (_, true) => modules::slow(),
        _ => modules::all(),
    };
    runtime.block_on(Box::pin(measure(builder)))
}

async fn measure(builder: AppBuilder) -> Result<()> {
    let begun = Instant::now();
    let app = builder.build()?;
    let built = Instant::now();
    let running = app.start().await?;
    let started = Instant::now();
    let exit = running.stop().await;
    let stopped = Instant::now();
    ensure!(exit.is_clean(), "the stop was not clean: {exit}");
    ensure!(modules::alive() == 0, "{} modules were not stopped", modules::alive());
    let took = [built - begun, started - built, stopped - started];
    for (phase, took) in PHASES.into_iter().zip(took) {
        println!("{phase} {}", took.as_nanos() as f64 / 1000.0);
    }
    Ok(())
}
