//! A model of the breaker between threads: loom runs every interleaving of its lock. The files are
//! the crate's own, compiled with loom's primitives.

#![allow(unreachable_pub, reason = "`State` is public in the crate that the file belongs to")]
#![allow(clippy::unwrap_used, reason = "a helper of tests fails its test by panicking")]

extern crate purlin_core as purlin;

#[path = "../../src/breaker/circuit.rs"]
mod circuit;
#[path = "../../src/breaker/shared.rs"]
mod shared;
#[path = "../../src/breaker/window.rs"]
mod window;
mod sync {
    pub(super) use loom::sync::{Arc, Mutex, MutexGuard};
}

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use loom::{model::Builder, thread};
use purlin::clock::{Clock, Instant};

use self::{
    circuit::{Limits, State},
    shared::{Admission, Shared},
    sync::Arc,
};

const PROBES: u32 = 2;
const OPEN_FOR: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
enum Fate {
    Succeed,
    Fail,
    Drop,
    Hang,
}

const FATES: [Fate; 4] = [Fate::Succeed, Fate::Fail, Fate::Drop, Fate::Hang];

fn at(seconds: u64) -> Instant {
    Instant::START + Duration::from_secs(seconds)
}

/// A breaker that opened at 0 and may probe from 1 on.
fn open() -> Arc<Shared> {
    let shared = Arc::new(Shared::new(Limits {
        window: Duration::from_secs(10),
        failure_rate: 1.0,
        min_calls: 1,
        consecutive: 0,
        open_for: OPEN_FOR,
        probes: PROBES,
    }));
    let (admission, _) = Admission::ask(&shared, at(0));
    let change = admission.unwrap().fail(at(0), at(1));
    assert_eq!(change, Some(State::Open));
    shared
}

/// Asks at 1, and lets the probe meet its fate. Nothing else may be in flight but what `probes`
/// allows.
fn probe(shared: &Arc<Shared>, in_flight: &AtomicUsize, fate: Fate) -> Option<Admission> {
    let (admission, _) = Admission::ask(shared, at(1));
    let admission = admission.ok()?;
    let others = in_flight.fetch_add(1, Ordering::SeqCst);
    // A breaker that has closed meanwhile lets everything through.
    assert!(others < PROBES as usize || shared.state() != State::HalfOpen);
    if matches!(fate, Fate::Hang) {
        return Some(admission);
    }
    in_flight.fetch_sub(1, Ordering::SeqCst);
    match fate {
        Fate::Succeed => drop(admission.succeed(at(1))),
        Fate::Fail => drop(admission.fail(at(1), at(2))),
        Fate::Drop | Fate::Hang => drop(admission),
    }
    None
}

/// Whatever happened before, an upstream that works closes the breaker, by `latest`.
fn recovers(shared: &Arc<Shared>, latest: Instant) {
    let mut now = at(1);
    for _ in 0..PROBES + 2 {
        match Admission::ask(shared, now).0 {
            Ok(admission) => drop(admission.succeed(now)),
            Err(retry_in) => now = now + retry_in,
        }
    }
    assert_eq!(shared.state(), State::Closed);
    assert!(now <= latest, "it recovered at {now:?}");
}

/// Runs every interleaving of threads whose probes meet these fates, one after the other.
fn check(builder: &Builder, threads: Vec<Vec<Fate>>) -> usize {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let before = RUNS.load(Ordering::Relaxed);
    // A failed probe costs the time open, and one that hangs costs its own. A dropped one is free.
    let costs = |fate: &Fate| matches!(fate, Fate::Fail | Fate::Hang);
    let latest = if threads.iter().flatten().any(costs) { at(2) } else { at(1) };
    builder.check(move || {
        RUNS.fetch_add(1, Ordering::Relaxed);
        let shared = open();
        let in_flight = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = threads
            .iter()
            .cloned()
            .map(|fates| {
                let (shared, in_flight) = (shared.clone(), in_flight.clone());
                thread::spawn(move || {
                    let probe = |fate| probe(&shared, &in_flight, fate);
                    fates.into_iter().filter_map(probe).collect::<Vec<_>>()
                })
            })
            .collect();
        let hung: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        recovers(&shared, latest);
        drop(hung);
        assert_eq!(shared.state(), State::Closed);
    });
    RUNS.load(Ordering::Relaxed) - before
}

#[test]
fn probes_of_two_threads() {
    let (clock, mut runs) = (Clock::system(), 0);
    for first in FATES {
        for second in FATES {
            runs += check(&Builder::new(), vec![vec![first], vec![second]]);
        }
    }
    println!(
        "{runs} interleavings of two threads in {:?}: always recovered",
        clock.now() - Instant::START
    );
}

#[test]
#[ignore = "it takes three minutes"]
fn probes_of_three_threads() {
    let (clock, mut runs) = (Clock::system(), 0);
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    for first in FATES {
        for second in FATES {
            for third in FATES {
                runs += check(&builder, vec![vec![first, second], vec![second], vec![third]]);
            }
        }
    }
    println!(
        "{runs} interleavings of three threads in {:?}: always recovered",
        clock.now() - Instant::START
    );
}
