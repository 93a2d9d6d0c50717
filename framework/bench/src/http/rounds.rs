//! The report: processor time of a request, and what a caller waits.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::runtime::Runtime;

use super::contestants::{self, BARE, BY_HAND, BY_HAND_TRACED, LOOP, PURLIN, SERVE, TRACED};
use super::{PER_CONNECTION, runtime};
use crate::chart::Chart;
use crate::cores::Cores;
use crate::load::{Work, closed_loop, one_by_one, open_loop};
use crate::served::{Contestant, Served};
use crate::spread::Spread;

/// Who, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A peer that listens where `ADDR` says, as `name=program`; may be given several times.
    #[arg(long = "peer", value_name = "NAME=PROGRAM", value_parser = peer)]
    peers: Vec<Contestant>,
    /// How often each has its turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each of the two parts of a turn takes.
    #[arg(long, default_value_t = 1.5)]
    seconds: f64,
    /// How many connections are open.
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// How many requests a second are sent to see how long they wait.
    #[arg(long, default_value_t = 4000)]
    rate: u32,
    /// Where to draw the figures.
    #[arg(long, value_name = "DIRECTORY")]
    charts: Option<PathBuf>,
}

/// One turn.
struct Turn {
    ready_ms: f64,
    cpu_us: f64,
    p50_us: f64,
    p99_us: f64,
    resident_mib: f64,
}

/// A figure of a turn: its name, its unit, and where it stands.
type Figure = (&'static str, &'static str, fn(&Turn) -> f64);

const CPU: Figure = ("CPU of a request", "µs", |turn| turn.cpu_us);
const P50: Figure = ("p50", "µs", |turn| turn.p50_us);
const P99: Figure = ("p99", "µs", |turn| turn.p99_us);
const READY: Figure = ("start until ready", "ms", |turn| turn.ready_ms);
const RESIDENT: Figure = ("memory after it", "MiB", |turn| turn.resident_mib);

/// Before anything is measured.
const WARM_UP: Duration = Duration::from_millis(300);

fn peer(text: &str) -> Result<Contestant> {
    let (name, program) = text.split_once('=').context("write it as name=program")?;
    Ok(Contestant::new(name, program.into(), &[]))
}

/// Everybody, without and with layers, beside the peers.
pub(crate) fn compare(args: &Args) -> Result<()> {
    let (bare, layered) = (contestants::bare()?, contestants::layered()?);
    let without = bare.len();
    let peers = args.peers.iter().cloned();
    let contestants: Vec<_> = bare.into_iter().chain(layered).chain(peers).collect();
    let turns = play(&contestants, args, u64::MAX)?;
    let figures = [CPU, P50, P99, READY, RESIDENT];
    for (title, range) in [("bare", 0..without), ("default stack", without..contestants.len())] {
        println!("{title}");
        let (contestants, turns) = (&contestants[range.clone()], &turns[range]);
        for figure in figures {
            show(figure, contestants, turns)?;
        }
    }
    verdict(BARE, SERVE, &contestants, &turns)?;
    verdict(BARE, LOOP, &contestants, &turns)?;
    verdict(PURLIN, BY_HAND, &contestants, &turns)?;
    verdict(TRACED, BY_HAND_TRACED, &contestants, &turns)?;
    for peer in &args.peers {
        verdict(PURLIN, &peer.name, &contestants, &turns)?;
        verdict(TRACED, &peer.name, &contestants, &turns)?;
    }
    println!(
        "{} turns each: POST /json over {} connections, {}; p50 and p99 at {} requests a second",
        args.rounds,
        args.connections,
        Cores::TOLD,
        args.rate
    );
    let drawn = (&contestants[without..], &turns[without..]);
    draw(args, "http-cpu.svg", "Processor time of a request, default stack", CPU, drawn)?;
    draw(args, "http-p99.svg", "99th percentile of the wait, default stack", P99, drawn)
}

/// The loops of axum and of Purlin, where clients come and go.
pub(crate) fn churn(args: &Args) -> Result<()> {
    let contestants = contestants::bare()?;
    let turns = play(&contestants, args, PER_CONNECTION)?;
    for figure in [CPU, P50, P99] {
        show(figure, &contestants, &turns)?;
    }
    verdict(BARE, SERVE, &contestants, &turns)?;
    println!(
        "{} turns each: POST /json over {} connections, each replaced after {PER_CONNECTION} requests, {}",
        args.rounds,
        args.connections,
        Cores::TOLD
    );
    Ok(())
}

/// All turns of each contestant. They take turns, so that whatever else this machine does is done
/// to all of them.
fn play(contestants: &[Contestant], args: &Args, per_connection: u64) -> Result<Vec<Vec<Turn>>> {
    let (cores, runtime) = (Cores::divide()?, runtime()?);
    let mut turns: Vec<_> = contestants.iter().map(|_| Vec::new()).collect();
    for _ in 0..args.rounds {
        for (contestant, turns) in contestants.iter().zip(&mut turns) {
            let directory = tempfile::tempdir().context("could not create a directory")?;
            let served = contestant.start(None, directory.path(), &cores)?;
            let turn = turn(&served, args, per_connection, &runtime);
            turns.push(turn.with_context(|| contestant.name.clone())?);
            served.stop()?;
        }
    }
    Ok(turns)
}

fn turn(served: &Served, args: &Args, per_connection: u64, runtime: &Runtime) -> Result<Turn> {
    let (address, connections) = (served.address, args.connections);
    let lasts = Duration::from_secs_f64(args.seconds);
    let ask = |lasts| {
        runtime.block_on(closed_loop(address, Work::Json, connections, per_connection, lasts))
    };
    // The load looks at every answer to `/json`; this one has to be alike, too.
    runtime.block_on(one_by_one(address, Work::Hello, 1, 1))?;
    ask(WARM_UP)?;
    let before = served.cpu()?;
    let answered = ask(lasts)?;
    let cpu = served.cpu()? - before;
    let began = Instant::now();
    let waited = open_loop(address, Work::Json, connections, args.rate, lasts);
    let mut waited = runtime.block_on(waited)?;
    keeps_up(waited.len(), began.elapsed(), args.rate)?;
    waited.sort_unstable();
    Ok(Turn {
        ready_ms: served.ready_after.as_secs_f64() * 1e3,
        cpu_us: cpu.as_secs_f64() * 1e6 / answered as f64,
        p50_us: quantile(&waited, 0.5)?,
        p99_us: quantile(&waited, 0.99)?,
        resident_mib: served.resident()? as f64 / 1024.0,
    })
}

/// Whether so many were answered in that time as had to be: where not, what they waited is the
/// length of a queue, and says nothing of who answers.
fn keeps_up(answered: usize, within: Duration, rate: u32) -> Result<()> {
    let reached = answered as f64 / within.as_secs_f64();
    ensure!(
        reached >= 0.9 * f64::from(rate),
        "{reached:.0} of {rate} requests a second were answered: choose a lower --rate, or a machine \
         that has nothing else to do"
    );
    Ok(())
}

/// In microseconds, of what is sorted.
fn quantile(waited: &[Duration], part: f64) -> Result<f64> {
    let at = (waited.len() as f64 * part) as usize;
    let wait = waited.get(at).context("the time was too short for a single request")?;
    Ok(wait.as_secs_f64() * 1e6)
}

fn spread((_, _, of): Figure, turns: &[Turn]) -> Result<Spread> {
    Spread::of(turns.iter().map(of).collect()).context("--rounds must be at least 1")
}

fn show(figure: Figure, contestants: &[Contestant], turns: &[Vec<Turn>]) -> Result<()> {
    let (name, unit, _) = figure;
    for (contestant, turns) in contestants.iter().zip(turns) {
        println!("  {name:18} {unit:4} {:22} {}", contestant.name, spread(figure, turns)?);
    }
    Ok(())
}

/// How one compares with another; a difference below the spread is none.
fn verdict(name: &str, other: &str, all: &[Contestant], turns: &[Vec<Turn>]) -> Result<()> {
    let of = |name: &str, figure| {
        let at = all.iter().position(|contestant| contestant.name == name);
        spread(figure, &turns[at.context("nobody has this name")?])
    };
    let mut told = Vec::new();
    for figure in [CPU, P99] {
        told.push(format!("{} {}", figure.0, of(name, figure)?.over(of(other, figure)?)));
    }
    println!("{name} over {other}: {}", told.join(" · "));
    Ok(())
}

fn draw(
    args: &Args,
    file: &str,
    title: &str,
    figure: Figure,
    (contestants, turns): (&[Contestant], &[Vec<Turn>]),
) -> Result<()> {
    let Some(directory) = &args.charts else { return Ok(()) };
    let mut chart = Chart::new(title, figure.1);
    for (contestant, turns) in contestants.iter().zip(turns) {
        chart.bar(&contestant.name, spread(figure, turns)?, contestant.name == PURLIN);
    }
    let file = directory.join(file);
    let write = || {
        std::fs::create_dir_all(directory)?;
        std::fs::write(&file, chart.to_string())
    };
    write().with_context(|| format!("could not write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_keep_up_has_no_waits() {
        assert!(keeps_up(4000, Duration::from_millis(1080), 4000).is_ok());
        let error = keeps_up(4000, Duration::from_secs(2), 4000).unwrap_err().to_string();
        assert!(error.starts_with("2000 of 4000 requests a second were answered"), "{error}");
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let waited: Vec<_> = (1..=100).map(Duration::from_micros).collect();
        assert_eq!(quantile(&waited, 0.5).unwrap(), 51.0);
        assert_eq!(quantile(&waited, 0.99).unwrap(), 100.0);
        assert!(quantile(&[], 0.5).is_err());
    }
}
