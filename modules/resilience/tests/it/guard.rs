use std::{future::pending, time::Duration};

use futures_util::FutureExt as _;
use purlin::{clock::Instant, error::Code};
use purlin_resilience::{
    BudgetConfig, Error, Guard, GuardConfig, Outcome, RetryBudget, RetryConfig, State, Stop,
    Verdict, any_error,
};

use crate::support::{DOWN, Script, Upstream, breaker, bulkhead, guard, retry, run};

const MS: fn(u64) -> Duration = Duration::from_millis;

#[test]
fn what_is_transient_is_repeated_with_growing_pauses() {
    let (builder, clock, hand) = guard("bank");
    let guard = builder.retry(&retry(3)).build();
    let script = Script::new(&[Err(DOWN), Err(DOWN), Ok(7)]);
    assert_eq!(run(&hand, guard.call(|| script.call())).unwrap(), 7);
    assert_eq!(clock.now() - Instant::START, MS(100 + 200));
}

#[test]
fn the_last_error_is_wrapped() {
    let (builder, _, hand) = guard("bank");
    let guard = builder.retry(&retry(3)).build();
    let script = Script::<u32>::new(&[Err(DOWN); 3]);
    let error = run(&hand, guard.call(|| script.call())).unwrap_err();
    assert!(matches!(error, Error::Failed { source: DOWN, attempts: 3, stop: Stop::Attempts }));
    assert_eq!(
        error.to_string(),
        "the upstream says unavailable (attempt 3; no attempts are left)"
    );
    assert_eq!(error.into_inner(), Some(DOWN));
}

#[test]
fn what_is_about_the_request_is_not_repeated_and_opens_no_breaker() {
    let (builder, _, hand) = guard("bank");
    let guard = builder.retry(&retry(3)).breaker(&breaker()).build();
    let missing = Upstream(Code::NotFound);
    for _ in 0..10 {
        let outcomes = [Err(missing)];
        let script = Script::<u32>::new(&outcomes);
        let error = run(&hand, guard.call(|| script.call())).unwrap_err();
        assert!(matches!(error, Error::Failed { attempts: 1, stop: Stop::Verdict, .. }));
    }
    assert_eq!(guard.breaker().unwrap().state(), State::Closed);
}

#[test]
fn once_repeats_nothing_and_tells_the_breaker() {
    let (builder, _, hand) = guard("bank");
    let guard = builder.retry(&retry(3)).breaker(&breaker()).build();
    let script = Script::<u32>::new(&[Err(DOWN); 2]);
    for _ in 0..2 {
        let error = run(&hand, guard.once(|| script.call())).unwrap_err();
        assert!(matches!(error, Error::Failed { attempts: 1, stop: Stop::Verdict, .. }));
    }
    let error = run(&hand, guard.once(|| script.call())).unwrap_err();
    assert!(matches!(error, Error::Open(_)), "{error}");
    assert_eq!(script.attempts.get(), 2);
}

#[test]
fn an_answer_may_be_transient_and_is_returned_in_the_end() {
    let (builder, clock, hand) = guard("bank");
    let guard = builder.retry(&retry(2)).breaker(&breaker()).build();
    let judge = |outcome: Outcome<'_, u16, Upstream>| match outcome {
        Outcome::Done(503) => Verdict::TransientAfter(MS(250)),
        _ => Verdict::Fine,
    };
    let script = Script::new(&[Ok(503), Ok(503)]);
    assert_eq!(run(&hand, guard.call_with(judge, || script.call())).unwrap(), 503);
    assert_eq!(clock.now() - Instant::START, MS(250), "`Retry-After` is the longer one");
    assert_eq!(guard.breaker().unwrap().state(), State::Open);
}

#[test]
fn an_empty_budget_ends_the_retries() {
    let (builder, clock, hand) = guard("bank");
    let config = BudgetConfig { ratio: 0.0, per_second: 0.0, burst: 3, ..Default::default() };
    let budget = RetryBudget::new(&config, clock);
    let one = builder.clone().retry(&retry(3)).budget(budget.clone()).build();
    let other = builder.retry(&retry(3)).budget(budget).build();

    let script = Script::<u32>::new(&[Err(DOWN); 3]);
    run(&hand, one.call(|| script.call())).unwrap_err();
    let script = Script::<u32>::new(&[Err(DOWN); 3]);
    let error = run(&hand, other.call(|| script.call())).unwrap_err();
    assert!(matches!(error, Error::Failed { attempts: 2, stop: Stop::Budget, .. }), "{error}");
}

#[test]
fn retries_are_a_tenth_of_the_calls_by_default() {
    let (builder, _, hand) = guard("bank");
    let budget = BudgetConfig { per_second: 0.0, ..BudgetConfig::default() };
    let guard = builder.retry(&RetryConfig { budget, ..retry(3) }).build();
    let script = Script::<u32>::new(&[Err(DOWN); 3000]);
    for _ in 0..1000 {
        run(&hand, guard.call(|| script.call())).unwrap_err();
    }
    let attempts = script.attempts.get();
    assert!((1100..=1110).contains(&attempts), "{attempts} attempts for 1000 calls");
}

#[test]
fn an_attempt_has_its_timeout_and_is_repeated() {
    let (builder, clock, hand) = guard("bank");
    let guard = builder.timeout(MS(50)).retry(&retry(2)).breaker(&breaker()).build();
    let error = run(&hand, guard.call(pending::<Result<(), Upstream>>)).unwrap_err();
    assert!(matches!(error, Error::TimedOut { attempts: 2, stop: Stop::Attempts, .. }), "{error}");
    assert_eq!(error.code_or(|_| Code::Internal), Code::DeadlineExceeded);
    assert_eq!(clock.now() - Instant::START, MS(50 + 100 + 50));
    assert_eq!(guard.breaker().unwrap().state(), State::Open);
}

#[test]
fn no_pause_reaches_past_the_deadline() {
    let (builder, clock, hand) = guard("bank");
    let guard = builder.deadline(MS(300)).retry(&retry(9)).build();
    let script = Script::<u32>::new(&[Err(DOWN); 9]);
    let error = run(&hand, guard.call(|| script.call())).unwrap_err();
    assert!(matches!(error, Error::Failed { attempts: 2, stop: Stop::Deadline, .. }), "{error}");
    assert_eq!(clock.now() - Instant::START, MS(100));
}

#[test]
fn the_deadline_cuts_an_attempt_and_keeps_the_error_before_it() {
    let (builder, clock, hand) = guard("bank");
    let guard = builder.deadline(MS(300)).timeout(MS(250)).retry(&retry(9)).build();
    let mut attempts = 0;
    let call = guard.call(|| {
        attempts += 1;
        let first = attempts == 1;
        async move { if first { Err::<(), _>(DOWN) } else { pending().await } }
    });
    let error = run(&hand, call).unwrap_err();
    assert!(
        matches!(error, Error::DeadlineExceeded { attempts: 2, last: Some(DOWN), .. }),
        "{error}"
    );
    assert_eq!(clock.now() - Instant::START, MS(300));
}

#[test]
fn an_attempt_with_less_than_its_timeout_is_not_held_against_the_upstream() {
    for (timeout, state) in [(MS(200), State::Closed), (Duration::ZERO, State::Open)] {
        let (builder, _, hand) = guard("bank");
        let guard = builder.deadline(MS(100)).timeout(timeout).breaker(&breaker()).build();
        for _ in 0..2 {
            let error = run(&hand, guard.call(pending::<Result<(), Upstream>>)).unwrap_err();
            assert!(matches!(error, Error::DeadlineExceeded { attempts: 1, .. }), "{error}");
        }
        assert_eq!(guard.breaker().unwrap().state(), state, "timeout {timeout:?}");
    }
}

#[test]
fn the_breaker_opens_in_the_middle_of_the_retries_and_ends_them() {
    let (builder, _, hand) = guard("bank");
    let guard = builder.retry(&retry(5)).breaker(&breaker()).build();
    let script = Script::<u32>::new(&[Err(DOWN); 5]);
    let error = run(&hand, guard.call(|| script.call())).unwrap_err();
    assert!(matches!(error, Error::Failed { attempts: 2, stop: Stop::Breaker, .. }), "{error}");

    let error = run(&hand, guard.call(|| script.call())).unwrap_err();
    assert_eq!(error.attempts(), 0);
    assert_eq!(
        error.to_string(),
        "bank is taken to be down; it is tried again in 800ms (see its `breaker`)"
    );
    assert_eq!(script.attempts.get(), 2);
}

#[test]
fn a_dropped_probe_gives_its_permit_back() {
    let (builder, _, hand) = guard("bank");
    let guard = builder.breaker(&breaker()).bulkhead(&bulkhead(1, 0)).build();
    let script = Script::new(&[Err(DOWN), Err(DOWN), Ok(7)]);
    for _ in 0..2 {
        run(&hand, guard.call(|| script.call())).unwrap_err();
    }
    hand.advance(Duration::from_secs(1));
    for _ in 0..100 {
        let probe = guard.call(pending::<Result<u32, Upstream>>).now_or_never();
        assert!(probe.is_none(), "it was not let through: {probe:?}");
        assert_eq!(guard.breaker().unwrap().state(), State::HalfOpen);
        assert_eq!(guard.bulkhead().unwrap().active(), 0);
    }
    assert_eq!(run(&hand, guard.call(|| script.call())).unwrap(), 7);
    assert_eq!(guard.breaker().unwrap().state(), State::Closed);
}

#[test]
fn a_panic_gives_back_what_the_call_held() {
    let (builder, _, hand) = guard("bank");
    let guard = builder.bulkhead(&bulkhead(1, 0)).build();
    let panics = guard.call(|| async { panic!("a bug") as Result<(), Upstream> });
    let panics = std::panic::AssertUnwindSafe(|| run(&hand, panics));
    std::panic::catch_unwind(panics).unwrap_err();
    assert_eq!(guard.bulkhead().unwrap().active(), 0);
}

#[test]
fn a_full_bulkhead_refuses_and_a_deadline_holds_in_its_queue() {
    let (builder, _, hand) = guard("bank");
    let guard = builder.deadline(MS(300)).bulkhead(&bulkhead(1, 1)).build();
    let mut held = Box::pin(guard.call(pending::<Result<(), Upstream>>));
    assert!(held.as_mut().now_or_never().is_none());
    let mut waits = Box::pin(guard.call(pending::<Result<(), Upstream>>));
    assert!(waits.as_mut().now_or_never().is_none());

    let error = guard.call(pending::<Result<(), Upstream>>).now_or_never().unwrap().unwrap_err();
    assert!(matches!(error, Error::Full(_)), "{error}");
    assert_eq!(error.code_or(|_| Code::Internal), Code::ResourceExhausted);
    let error = run(&hand, waits).unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { attempts: 0, .. }), "{error}");
}

#[test]
fn a_guard_of_nothing_only_calls() {
    let (builder, clock, hand) = guard("bank");
    let script = Script::<u32>::new(&[Err(DOWN)]);
    let error = run(&hand, builder.build().call(|| script.call())).unwrap_err();
    assert_eq!(error.to_string(), "the upstream says unavailable");
    assert_eq!(clock.now(), Instant::START);
}

#[test]
fn connecting_is_repeated_until_its_deadline() {
    let (builder, clock, hand) = guard("bank");
    let patient = RetryConfig { cap: Duration::from_secs(1), ..retry(u32::MAX) };
    let guard = builder.retry(&patient).deadline(Duration::from_secs(30)).build();
    let refuse = || async { Err::<(), _>(std::io::Error::other("connection refused")) };
    let error = run(&hand, guard.call_with(any_error, refuse)).unwrap_err();
    assert!(matches!(error, Error::Failed { stop: Stop::Deadline, .. }), "{error}");
    assert!(clock.now() - Instant::START > Duration::from_secs(28));
}

#[test]
fn a_call_can_be_spawned() {
    fn spawned<F: Future + Send + 'static>(_: F) {}
    let guard = Guard::builder("bank").config(&GuardConfig::default()).build();
    let url = String::from("http://localhost");
    spawned(async move {
        let get = async |url: &str| Ok::<_, Upstream>(url.len());
        guard.call(|| get(&url)).await
    });
}
