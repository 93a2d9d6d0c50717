use std::{sync::Arc, time::Duration};

use purlin::{clock::Clock, entropy::Entropy, meter::Meter};

use crate::{
    breaker::Breaker,
    budget::RetryBudget,
    bulkhead::Bulkhead,
    config::{BreakerConfig, BulkheadConfig, GuardConfig, RetryConfig},
    guard::{Guard, Inner},
    metrics::Instruments,
    retry::Retry,
};

/// Puts a [`Guard`] together; from [`Guard::builder`].
///
/// ```
/// # extern crate purlin_core as purlin;
/// # use std::time::Duration;
/// # use purlin::{clock::Clock, entropy::Entropy, meter::Meter};
/// # use purlin_resilience::{Guard, GuardConfig, RetryConfig, any_error};
/// # async fn dial() -> Result<(), std::io::Error> { Ok(()) }
/// # async fn example(clock: Clock, entropy: Entropy, meter: Meter, config: &GuardConfig) {
/// // All parts, as a client module puts them together.
/// let guard = Guard::builder("bank").clock(clock).entropy(entropy).meter(meter).config(config).build();
///
/// // Only what is named: to connect at start, with an attempt every second or so, for half a minute.
/// let retry = RetryConfig { attempts: u32::MAX, cap: Duration::from_secs(1), ..Default::default() };
/// let connecting = Guard::builder("bank").retry(&retry).deadline(Duration::from_secs(30)).build();
/// let connection = connecting.call_with(any_error, || dial()).await;
/// # }
/// ```
/// Without any part a guard only calls. Clock and entropy are the system's unless they are given,
/// and without a meter nothing is measured. A guard that is to be replaced must be dropped first:
/// two of one name show up as one in the metrics.
#[derive(Debug, Clone)]
#[must_use = "it guards nothing until it is built"]
pub struct GuardBuilder {
    name: Arc<str>,
    clock: Clock,
    entropy: Entropy,
    meter: Meter,
    deadline: Option<Duration>,
    timeout: Option<Duration>,
    retry: Option<RetryConfig>,
    budget: Option<RetryBudget>,
    breaker: Option<BreakerConfig>,
    bulkhead: Option<BulkheadConfig>,
}

// === impl GuardBuilder ===

impl GuardBuilder {
    pub(crate) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            clock: Clock::system(),
            entropy: Entropy::system(),
            meter: Meter::noop(),
            deadline: None,
            timeout: None,
            retry: None,
            budget: None,
            breaker: None,
            bulkhead: None,
        }
    }

    /// The time that deadlines, timeouts, pauses and the breaker go by.
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The chance in pauses and in the time that the breaker stays open.
    pub fn entropy(self, entropy: Entropy) -> Self {
        Self { entropy, ..self }
    }

    /// Where the [metrics](crate::metrics) go.
    pub fn meter(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// All parts at once.
    pub fn config(self, config: &GuardConfig) -> Self {
        self.deadline(config.deadline)
            .timeout(config.timeout)
            .retry(&config.retry)
            .breaker(&config.breaker)
            .bulkhead(&config.bulkhead)
    }

    /// How long a call may take in all; zero is no limit.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline: limit(deadline), ..self }
    }

    /// How long an attempt may take; zero is no limit.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: limit(timeout), ..self }
    }

    /// How failed attempts are repeated.
    pub fn retry(self, retry: &RetryConfig) -> Self {
        Self { retry: Some(retry.clone()), ..self }
    }

    /// A budget that is shared with other guards, in place of one of its own.
    pub fn budget(self, budget: RetryBudget) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// When the upstream is taken to be down; nothing, if it is not enabled.
    pub fn breaker(self, breaker: &BreakerConfig) -> Self {
        Self { breaker: breaker.enabled.then(|| breaker.clone()), ..self }
    }

    /// How many calls may be under way; any number, if it is not enabled.
    pub fn bulkhead(self, bulkhead: &BulkheadConfig) -> Self {
        Self { bulkhead: bulkhead.enabled.then(|| bulkhead.clone()), ..self }
    }

    /// The guard.
    pub fn build(self) -> Guard {
        let Self { name, clock, entropy, meter, deadline, timeout, retry, budget, .. } = self;
        let own_budget = || {
            let config = retry.as_ref().map(|retry| &retry.budget).filter(|config| config.enabled);
            config.map(|config| RetryBudget::new(config, clock.clone()))
        };
        let budget = budget.or_else(own_budget);
        let breaker = self.breaker.map(|config| {
            Breaker::metered(name.clone(), &config, clock.clone(), entropy.clone(), &meter)
        });
        let bulkhead = self.bulkhead.map(|config| {
            let bulkhead = Bulkhead::new(name.clone(), &config, clock.clone());
            bulkhead.observe(&meter);
            bulkhead
        });
        Guard(Arc::new(Inner {
            retry: retry.map(|config| Retry::new(&config, entropy)),
            instruments: Instruments::new(&meter, name.clone()),
            name,
            clock,
            deadline,
            timeout,
            budget,
            breaker,
            bulkhead,
        }))
    }
}

fn limit(duration: Duration) -> Option<Duration> {
    (!duration.is_zero()).then_some(duration)
}
