//! The conformance of rate limiters: it passes what is right, and finds each fault.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use futures_util::FutureExt as _;
use purlin::{
    async_trait,
    clock::{Clock, Hand},
};
use purlin_limit::{Decision, LimiterUnavailable, LocalLimiter, Quota, RateLimiter};
use purlin_testing::conformance;

const SECOND: Duration = Duration::from_secs(1);

fn local() -> (LocalLimiter, Hand) {
    let (clock, hand) = Clock::held();
    (LocalLimiter::new(clock), hand)
}

#[tokio::test]
async fn the_local_limiter_conforms() {
    let (limiter, hand) = local();
    conformance::rate_limiter(&limiter, SECOND, async |time| hand.advance(time)).await;
    // All of the quota is back.
    conformance::rate_limiter(&limiter, SECOND, async |time| hand.advance(time)).await;
}

/// What is wrong with a limiter.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    LetsOneMoreThrough,
    LetsOneLessThrough,
    TakesFromWhoeverIsRefused,
    TellsToComeTooEarly,
    TellsToComeTooLate,
    NeverGivesBack,
    IgnoresCase,
    CutsKeys,
    HasOneKey,
    TellsNothingOfTheRest,
    TellsNoReset,
    LooksBeforeItTakes,
}

struct Faulty {
    inner: LocalLimiter,
    fault: Fault,
    asked: Mutex<HashMap<String, u32>>,
}

#[async_trait]
impl RateLimiter for Faulty {
    async fn check(&self, key: &str, quota: Quota) -> Result<Decision, LimiterUnavailable> {
        let burst = quota.burst_size().get();
        let quota = match self.fault {
            Fault::LetsOneMoreThrough => quota.burst(burst + 1),
            Fault::LetsOneLessThrough => quota.burst(burst - 1),
            Fault::NeverGivesBack => Quota::new(1, Duration::from_secs(86_400)).burst(burst),
            _ => quota,
        };
        let key = match self.fault {
            Fault::IgnoresCase => key.to_lowercase(),
            Fault::CutsKeys => key.chars().take(100).collect(),
            Fault::HasOneKey => String::new(),
            _ => key.to_owned(),
        };
        if self.fault == Fault::LooksBeforeItTakes {
            let asked = || self.asked.lock().expect("nobody panicked");
            let before = *asked().entry(key.clone()).or_default();
            tokio::task::yield_now().await;
            asked().insert(key.clone(), before + 1);
            if key == "conformance-crowd" && before < burst {
                return Ok(Decision { remaining: 0, reset: quota.interval(), retry_after: None });
            }
        }
        let mut decision = self.inner.check(&key, quota).await?;
        match self.fault {
            Fault::TakesFromWhoeverIsRefused if !decision.is_allowed() => {
                decision.reset += quota.interval();
            }
            Fault::TellsToComeTooEarly => {
                decision.retry_after = decision.retry_after.map(|wait| wait / 2);
            }
            Fault::TellsToComeTooLate => {
                decision.retry_after = decision.retry_after.map(|wait| wait * 3);
            }
            Fault::TellsNothingOfTheRest => decision.remaining = 0,
            Fault::TellsNoReset => decision.reset = Duration::ZERO,
            _ => {}
        }
        Ok(decision)
    }
}

#[tokio::test]
async fn each_fault_of_a_rate_limiter_is_found() {
    for fault in [
        Fault::LetsOneMoreThrough,
        Fault::LetsOneLessThrough,
        Fault::TakesFromWhoeverIsRefused,
        Fault::TellsToComeTooEarly,
        Fault::TellsToComeTooLate,
        Fault::NeverGivesBack,
        Fault::IgnoresCase,
        Fault::CutsKeys,
        Fault::HasOneKey,
        Fault::TellsNothingOfTheRest,
        Fault::TellsNoReset,
        Fault::LooksBeforeItTakes,
    ] {
        let (inner, hand) = local();
        let limiter = Faulty { inner, fault, asked: Mutex::default() };
        let trial = async move {
            conformance::rate_limiter(&limiter, SECOND, async |time| hand.advance(time)).await;
        };
        let found = std::panic::AssertUnwindSafe(trial).catch_unwind().await;
        assert!(found.is_err(), "{fault:?} was not found");
    }
}
