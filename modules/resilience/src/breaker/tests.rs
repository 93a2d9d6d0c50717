use futures_util::FutureExt as _;
use proptest::prelude::*;
use purlin::clock::Hand;

use super::{window::Window, *};

fn config() -> BreakerConfig {
    BreakerConfig {
        enabled: true,
        window: Duration::from_secs(10),
        failure_rate: 0.5,
        min_calls: 4,
        consecutive_failures: 0,
        open_for: Duration::from_secs(1),
        jitter: 0.0,
        probes: 2,
    }
}

fn breaker(config: &BreakerConfig) -> (Breaker, Hand) {
    let (clock, hand) = Clock::held();
    (Breaker::new("test", config, clock, Entropy::seeded(7)), hand)
}

fn open(config: &BreakerConfig) -> (Breaker, Hand) {
    let (breaker, hand) = breaker(config);
    while let Ok(permit) = breaker.acquire() {
        permit.failed();
    }
    (breaker, hand)
}

/// A breaker whose time to probe has come.
fn due(config: &BreakerConfig) -> (Breaker, Hand) {
    let (breaker, hand) = open(config);
    hand.advance(config.open_for);
    (breaker, hand)
}

#[test]
fn it_opens_at_the_failure_rate_once_there_are_enough_calls() {
    let (breaker, _hand) = breaker(&config());
    breaker.acquire().unwrap().failed();
    breaker.acquire().unwrap().failed();
    breaker.acquire().unwrap().succeeded();
    assert_eq!(breaker.state(), State::Closed);
    breaker.acquire().unwrap().failed();
    assert_eq!(breaker.state(), State::Open);
    let refused = breaker.acquire().unwrap_err();
    assert_eq!((&*refused.name, refused.retry_in), ("test", Duration::from_secs(1)));
}

#[test]
fn what_is_older_than_the_window_does_not_count() {
    let (breaker, hand) = breaker(&config());
    (0..3).for_each(|_| breaker.acquire().unwrap().failed());
    hand.advance(Duration::from_secs(10));
    (0..3).for_each(|_| breaker.acquire().unwrap().failed());
    assert_eq!(breaker.state(), State::Closed);
    breaker.acquire().unwrap().failed();
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn it_opens_after_failures_in_a_row() {
    let (breaker, _hand) =
        breaker(&BreakerConfig { consecutive_failures: 3, min_calls: 1000, ..config() });
    let outcomes = [false, false, true, false, false];
    for fine in outcomes {
        let permit = breaker.acquire().unwrap();
        if fine { permit.succeeded() } else { permit.failed() }
    }
    assert_eq!(breaker.state(), State::Closed);
    breaker.acquire().unwrap().failed();
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn as_many_successes_as_there_are_probes_close_it() {
    let (breaker, _hand) = due(&config());
    let (first, second) = (breaker.acquire().unwrap(), breaker.acquire().unwrap());
    assert_eq!(breaker.state(), State::HalfOpen);
    breaker.acquire().unwrap_err();
    first.succeeded();
    breaker.acquire().unwrap_err();
    second.succeeded();
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn one_failed_probe_opens_it_again() {
    let (breaker, hand) = due(&config());
    let late = breaker.acquire().unwrap();
    breaker.acquire().unwrap().failed();
    assert_eq!(breaker.state(), State::Open);

    hand.advance(Duration::from_secs(1));
    let probe = breaker.acquire().unwrap();
    late.succeeded();
    probe.succeeded();
    assert_eq!(breaker.state(), State::HalfOpen, "a probe of the time before counted");
}

#[test]
fn a_dropped_probe_gives_its_permit_back() {
    let (breaker, _hand) = due(&config());
    for _ in 0..100 {
        let both = (breaker.acquire().unwrap(), breaker.acquire().unwrap());
        breaker.acquire().unwrap_err();
        drop(both);
    }
    breaker.acquire().unwrap().succeeded();
    breaker.acquire().unwrap().succeeded();
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn probes_that_never_return_hold_others_back_for_a_while_only() {
    let (breaker, hand) = due(&config());
    let stuck = breaker.acquire().unwrap();
    std::mem::forget(breaker.acquire().unwrap());
    let refused = breaker.acquire().unwrap_err();
    assert_eq!(refused.retry_in, Duration::from_secs(1));

    hand.advance(refused.retry_in);
    breaker.acquire().unwrap().succeeded();
    stuck.succeeded();
    assert_eq!(breaker.state(), State::Closed, "it came late, and came after all");
}

#[test]
fn replicas_do_not_probe_at_once() {
    let times = (0..100).map(|seed| {
        let config = BreakerConfig { jitter: 0.2, ..config() };
        let breaker = Breaker::new("test", &config, Clock::held().0, Entropy::seeded(seed));
        (0..4).for_each(|_| breaker.acquire().unwrap().failed());
        breaker.acquire().unwrap_err().retry_in.as_millis()
    });
    let times: Vec<_> = times.collect();
    assert!(times.iter().all(|time| (800..=1200).contains(time)), "{times:?}");
    assert!(times.iter().any(|time| *time < 850) && times.iter().any(|time| *time > 1150));
}

#[tokio::test]
async fn who_pauses_with_it_goes_on_when_it_probes() {
    let (breaker, hand) = open(&config());
    let mut watch = breaker.watch();
    assert_eq!(*watch.borrow_and_update(), State::Open);
    let passes = async {
        hand.sleepers(1).await;
        hand.advance(Duration::from_secs(1));
    };
    let (permit, ()) = tokio::join!(breaker.acquired(), passes);
    assert_eq!(*watch.borrow_and_update(), State::HalfOpen);
    permit.succeeded();
    assert!(watch.changed().now_or_never().is_none());
    breaker.acquire().unwrap().succeeded();
    watch.changed().await.unwrap();
    assert_eq!(*watch.borrow(), State::Closed);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Acquire,
    Succeed(usize),
    Fail(usize),
    Drop(usize),
    Leak(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Acquire),
        2 => any::<usize>().prop_map(Step::Succeed),
        2 => any::<usize>().prop_map(Step::Fail),
        1 => any::<usize>().prop_map(Step::Drop),
        1 => any::<usize>().prop_map(Step::Leak),
        2 => (1u64..1500).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn probes_are_bounded_and_it_always_recovers(
        probes in 1u32..5,
        steps in proptest::collection::vec(step(), 1..300),
    ) {
        let config = BreakerConfig { probes, ..config() };
        let (breaker, hand) = breaker(&config);
        let now = || breaker.0.clock.now();
        // Permits, and when they were given out to probe, if they were in the present phase.
        let mut held: Vec<(Permit, Option<Instant>)> = Vec::new();
        let mut reopens = None;
        for step in steps {
            let before = breaker.state();
            let mut take = |index: usize| {
                let index = (!held.is_empty()).then(|| index % held.len());
                index.map(|index| held.swap_remove(index).0)
            };
            match step {
                Step::Acquire => match breaker.acquire() {
                    Ok(permit) => {
                        prop_assert!(reopens.is_none_or(|at| now() >= at), "let through while open");
                        let probe = breaker.state() == State::HalfOpen;
                        held.push((permit, probe.then(now)));
                    }
                    Err(_) => prop_assert_ne!(before, State::Closed),
                },
                Step::Succeed(index) => take(index).into_iter().for_each(Permit::succeeded),
                Step::Fail(index) => take(index).into_iter().for_each(Permit::failed),
                Step::Drop(index) => drop(take(index)),
                Step::Leak(index) => std::mem::forget(take(index)),
                Step::Wait(ms) => hand.advance(Duration::from_millis(ms)),
            }
            let after = breaker.state();
            if before != after {
                reopens = (after == State::Open).then(|| now() + config.open_for);
                if after != State::HalfOpen {
                    held.iter_mut().for_each(|(_, probe)| *probe = None);
                }
            }
            let recent = held.iter().filter_map(|(_, probe)| *probe);
            let recent = recent.filter(|probe| now() - *probe < config.open_for).count();
            prop_assert!(recent <= probes as usize, "{recent} probes of {probes}");
        }
        for _ in 0..=2 * probes {
            match breaker.acquire() {
                Ok(permit) => permit.succeeded(),
                Err(refused) => hand.advance(refused.retry_in),
            }
        }
        prop_assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn the_window_counts_as_a_list_would(
        events in proptest::collection::vec((0u64..1500, any::<bool>()), 1..200),
    ) {
        let mut window = Window::new(Duration::from_secs(1));
        let mut list: Vec<(u64, bool)> = Vec::new();
        let mut now = 0;
        for (wait, failed) in events {
            now += wait;
            list.push((now, failed));
            let counts = window.record(Instant::START + Duration::from_millis(now), failed);
            // In tenths: the present one, and the nine before it.
            let inside = list.iter().filter(|(at, _)| now / 100 - at / 100 < 10);
            let failures = inside.clone().filter(|(_, failed)| *failed).count();
            prop_assert_eq!(counts.calls, inside.count() as u64);
            prop_assert_eq!(counts.failures, failures as u64);
        }
    }
}
