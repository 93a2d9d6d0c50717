use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use purlin::clock::{Clock, Instant};

use crate::config::BudgetConfig;

/// What keeps retries from becoming a storm: a bucket of tokens, one of which a retry costs.
///
/// ```
/// # extern crate purlin_core as purlin;
/// use purlin::clock::Clock;
/// use purlin_resilience::{BudgetConfig, RetryBudget};
///
/// let config = BudgetConfig { ratio: 0.1, burst: 1, ..BudgetConfig::default() };
/// let (clock, _hand) = Clock::held();
/// let budget = RetryBudget::new(&config, clock);
/// assert!(budget.withdraw());
/// assert!(!budget.withdraw());
///
/// (0..10).for_each(|_| budget.deposit());        // ten calls pay for one retry
/// assert!(budget.withdraw());
/// ```
/// Within any time `t` there are at most `burst + ratio × calls + per_second × t` retries. A budget is
/// a handle: guards that share an upstream can [share](crate::GuardBuilder::budget) one.
///
/// Source: the retry budgets of [Finagle](https://twitter.github.io/finagle/guide/Clients.html#retries).
#[derive(Debug, Clone)]
pub struct RetryBudget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    ratio: f64,
    per_second: f64,
    burst: f64,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

/// Tenths do not add up to whole numbers in binary: ten deposits of 0.1 must buy one retry.
const ROUNDING: f64 = 1e-9;

// === impl RetryBudget ===

impl RetryBudget {
    /// A full bucket.
    pub fn new(config: &BudgetConfig, clock: Clock) -> Self {
        let &BudgetConfig { ratio, per_second, burst, .. } = config;
        let (ratio, per_second, burst) = (ratio.max(0.0), per_second.max(0.0), f64::from(burst));
        let bucket = Mutex::new(Bucket { tokens: burst, filled: clock.now() });
        Self(Arc::new(Inner { clock, ratio, per_second, burst, bucket }))
    }

    /// Adds what a call pays.
    pub fn deposit(&self) {
        let mut bucket = self.fill();
        bucket.tokens = (bucket.tokens + self.0.ratio).min(self.0.burst);
    }

    /// Takes the token for a retry; `false` when there is none.
    pub fn withdraw(&self) -> bool {
        let mut bucket = self.fill();
        let paid = bucket.tokens + ROUNDING >= 1.0;
        if paid {
            bucket.tokens = (bucket.tokens - 1.0).max(0.0);
        }
        paid
    }

    fn fill(&self) -> MutexGuard<'_, Bucket> {
        let Inner { clock, per_second, burst, bucket, .. } = &*self.0;
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock.now();
        let gained = (now - bucket.filled).as_secs_f64() * per_second;
        bucket.tokens = (bucket.tokens + gained).min(*burst);
        bucket.filled = now;
        bucket
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Call,
        Retry,
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![Just(Step::Call), Just(Step::Retry), (1u64..2000).prop_map(Step::Wait)]
    }

    proptest! {
        #[test]
        fn retries_never_exceed_their_bound(
            ratio in 0.0f64..1.0,
            per_second in 0.0f64..5.0,
            burst in 1u32..20,
            steps in proptest::collection::vec(step(), 1..400),
        ) {
            let (clock, hand) = Clock::held();
            let config = BudgetConfig { enabled: true, ratio, per_second, burst };
            let budget = RetryBudget::new(&config, clock.clone());
            let (mut calls, mut retries) = (0.0, 0.0);
            for step in steps {
                match step {
                    Step::Call => {
                        calls += 1.0;
                        budget.deposit();
                    }
                    Step::Retry => retries += f64::from(u8::from(budget.withdraw())),
                    Step::Wait(ms) => hand.advance(Duration::from_millis(ms)),
                }
                let seconds = (clock.now() - Instant::START).as_secs_f64();
                let bound = f64::from(burst) + ratio * calls + per_second * seconds;
                prop_assert!(retries <= bound + 1e-6, "{retries} > {bound}");
            }
        }
    }

    #[test]
    fn an_outage_is_not_multiplied() {
        let config = BudgetConfig { per_second: 0.0, ..BudgetConfig::default() };
        let budget = RetryBudget::new(&config, Clock::held().0);
        let retries = (0..1000).filter(|_| {
            budget.deposit();
            budget.withdraw()
        });
        assert_eq!(retries.count(), 109); // 10 at the start, then one call in ten
    }

    #[test]
    fn a_client_with_few_calls_gets_its_retry_back_with_time() {
        let (clock, hand) = Clock::held();
        let budget = RetryBudget::new(&BudgetConfig { burst: 1, ..Default::default() }, clock);
        assert!(budget.withdraw());
        hand.advance(Duration::from_millis(999));
        assert!(!budget.withdraw());
        hand.advance(Duration::from_millis(1));
        assert!(budget.withdraw());
    }
}
