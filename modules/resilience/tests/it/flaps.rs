//! An upstream that comes and goes, and callers that lose patience at random.

use std::{
    cell::{Cell, RefCell},
    future::{Future, pending},
    pin::Pin,
    task::{Context, Waker},
    time::Duration,
};

use purlin::{
    clock::{Clock, Hand, Instant},
    entropy::Entropy,
};
use purlin_resilience::{BreakerConfig, Guard, State};

use crate::support::{DOWN, Upstream, bulkhead, retry};

const FLAPS: usize = 1000;
const TICK: Duration = Duration::from_millis(5);
const OPEN_FOR: Duration = Duration::from_millis(100);
const PROBES: u32 = 3;
/// How long it may take until the breaker opens, and, from the upstream's recovery on, until it has
/// closed: twice the time open with its jitter.
const LATEST: Duration = Duration::from_millis(240);

/// An upstream that answers after up to six ticks; while it is down, a third of the calls hang.
struct Flapping {
    clock: Clock,
    chance: Entropy,
    up: Cell<bool>,
    probes: Cell<u32>,
    most_probes: Cell<u32>,
}

#[derive(Default)]
struct Figures {
    recoveries: Vec<Duration>,
    calls: usize,
    dropped: usize,
    dropped_probes: usize,
    hung: usize,
}

struct InFlight<'a>(Option<&'a Cell<u32>>);

type Call<'a> = Pin<Box<dyn Future<Output = Result<(), purlin_resilience::Error<Upstream>>> + 'a>>;

/// What happens to calls that hang.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Hanging {
    /// Their attempts run into the timeout.
    TimesOut,
    /// They hang until the upstream has recovered, and hold their permits meanwhile.
    Stays,
}

impl Flapping {
    async fn answer(&self, state: State) -> Result<(), Upstream> {
        let probe = state == State::HalfOpen;
        let _in_flight = InFlight::enter(probe.then_some(&self.probes));
        self.most_probes.set(self.most_probes.get().max(self.probes.get()));
        let up = self.up.get();
        if !up && self.chance.fraction() < 0.33 {
            pending::<()>().await;
        }
        self.clock.sleep(TICK.mul_f64(6.0 * self.chance.fraction())).await;
        if up { Ok(()) } else { Err(DOWN) }
    }
}

impl<'a> InFlight<'a> {
    fn enter(count: Option<&'a Cell<u32>>) -> Self {
        count.inspect(|count| count.set(count.get() + 1));
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.inspect(|count| count.set(count.get() - 1));
    }
}

fn guard(clock: Clock, hanging: Hanging) -> Guard {
    let breaker = BreakerConfig {
        window: Duration::from_secs(1),
        min_calls: 5,
        open_for: OPEN_FOR,
        jitter: 0.2,
        probes: PROBES,
        ..BreakerConfig::default()
    };
    let builder = Guard::builder("flapping").clock(clock).entropy(Entropy::seeded(1));
    let builder = builder.breaker(&breaker).retry(&retry(2));
    match hanging {
        Hanging::TimesOut => builder.timeout(10 * TICK).bulkhead(&bulkhead(16, 16)).build(),
        Hanging::Stays => builder.build(),
    }
}

/// One tick: perhaps a new call, and each call makes progress or loses its patience.
fn tick<'a>(
    calls: &mut Vec<Call<'a>>,
    new: impl FnOnce() -> Call<'a>,
    guard: &Guard,
    chance: &Entropy,
    hand: &Hand,
    figures: &RefCell<Figures>,
) {
    let figures = &mut *figures.borrow_mut();
    if chance.fraction() < 0.7 {
        figures.calls += 1;
        calls.push(new());
    }
    calls.retain_mut(|call| {
        let ended = call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        let dropped = !ended && chance.fraction() < 0.05;
        if dropped {
            figures.dropped += 1;
            let probing = guard.breaker().is_some_and(|b| b.state() == State::HalfOpen);
            figures.dropped_probes += usize::from(probing);
        }
        !ended && !dropped
    });
    hand.advance(TICK);
}

fn flap(hanging: Hanging) {
    let (clock, hand) = Clock::held();
    let chance = Entropy::seeded(2);
    let guard = guard(clock.clone(), hanging);
    let breaker = guard.breaker().unwrap();
    let upstream = Flapping {
        clock: clock.clone(),
        chance: chance.clone(),
        up: Cell::new(true),
        probes: Cell::new(0),
        most_probes: Cell::new(0),
    };
    let figures = RefCell::new(Figures::default());
    let new = || -> Call<'_> { Box::pin(guard.call(|| upstream.answer(breaker.state()))) };

    for flap in 0..FLAPS {
        let mut calls: Vec<Call<'_>> = Vec::new();
        let mut step = || tick(&mut calls, new, &guard, &chance, &hand, &figures);

        upstream.up.set(false);
        let down = clock.now();
        while breaker.state() == State::Closed {
            step();
            assert!(clock.now() - down < LATEST, "flap {flap}: it did not open");
        }
        let more = (chance.fraction() * 100.0) as u32;
        (0..more).for_each(|_| step());

        upstream.up.set(true);
        let up = clock.now();
        while breaker.state() != State::Closed {
            step();
            assert!(
                clock.now() - up < LATEST,
                "flap {flap}: stuck in {:?} after {:?}",
                breaker.state(),
                clock.now() - up
            );
        }
        let mut figures = figures.borrow_mut();
        figures.recoveries.push(clock.now() - up);
        figures.hung += calls.len();
    }
    report(hanging, &mut figures.borrow_mut(), &upstream, clock.now());
}

fn report(hanging: Hanging, figures: &mut Figures, upstream: &Flapping, now: Instant) {
    let Figures { recoveries, calls, dropped, dropped_probes, hung } = figures;
    recoveries.sort();
    println!(
        "{FLAPS} flaps ({hanging:?}) in {:.0?} of virtual time: {} recovered; {calls} calls, \
         {dropped} dropped, {dropped_probes} of them while probing, {hung} left behind; recovery \
         p50 {:?}, max {:?}; most probes at a time {}",
        now - Instant::START,
        recoveries.len(),
        recoveries[recoveries.len() / 2],
        recoveries[recoveries.len() - 1],
        upstream.most_probes.get(),
    );
    assert_eq!(recoveries.len(), FLAPS);
    assert!(*dropped_probes > FLAPS, "too few probes were dropped to prove anything");
    if hanging == Hanging::TimesOut {
        assert_eq!(upstream.most_probes.get(), PROBES, "probes are bounded, and the bound is met");
    }
}

#[test]
fn a_thousand_flaps_with_dropped_probes_recover() {
    flap(Hanging::TimesOut);
}

#[test]
fn a_thousand_flaps_with_probes_that_never_return_recover() {
    flap(Hanging::Stays);
}
