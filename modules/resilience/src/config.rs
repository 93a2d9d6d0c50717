//! Configuration: one struct for each part, and one for all of them.
//!
//! None of them is a section; a client module nests them in its own.

use std::time::Duration;

use purlin::config::Config;

/// How calls to an upstream are guarded.
///
/// ```
/// # extern crate purlin_core as purlin;
/// use purlin::config::Config;
/// use purlin_resilience::GuardConfig;
///
/// /// The partner's API.
/// #[derive(Debug, Config)]
/// #[config(section = "partner")]
/// struct PartnerConfig {
///     /// Where it is.
///     #[config(default = "http://localhost:9000")]
///     url: String,
///     /// How calls to it are guarded.
///     #[config(nested)]
///     guard: GuardConfig,             // partner.guard.retry.attempts, PARTNER_GUARD_RETRY_ATTEMPTS
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Config)]
pub struct GuardConfig {
    /// How long a call may take in all: queue, attempts and pauses. 0 is no limit.
    #[config(default = "30s")]
    #[validate(range(max = "24h"))]
    pub deadline: Duration,
    /// How long one attempt may take. 0 is no limit.
    #[config(default = "10s")]
    #[validate(range(max = "24h"))]
    pub timeout: Duration,
    /// How failed attempts are repeated.
    #[config(nested)]
    pub retry: RetryConfig,
    /// When the upstream is taken to be down, and how it is probed.
    #[config(nested)]
    pub breaker: BreakerConfig,
    /// How many calls may be under way.
    #[config(nested)]
    pub bulkhead: BulkheadConfig,
}

/// How failed attempts are repeated.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct RetryConfig {
    /// Most attempts of a call, the first one included; 1 repeats nothing.
    #[config(default = 3)]
    #[validate(range(min = 1, max = 100))]
    pub attempts: u32,
    /// The pause before the second attempt.
    #[config(default = "100ms")]
    #[validate(range(max = "24h"))]
    pub base: Duration,
    /// What each further pause is multiplied by.
    #[config(default = 2.0)]
    #[validate(range(min = 1.0, max = 100.0))]
    pub factor: f64,
    /// The longest pause.
    #[config(default = "5s")]
    #[validate(range(max = "24h"))]
    pub cap: Duration,
    /// The share of a pause that is left to chance, from 0 to 1: with 0.5 it lasts between half of
    /// its length and all of it.
    #[config(default = 0.5)]
    #[validate(range(min = 0.0, max = 1.0))]
    pub jitter: f64,
    /// How many retries there may be in relation to calls.
    #[config(nested)]
    pub budget: BudgetConfig,
}

/// How many retries there may be in relation to calls: a bucket of tokens, one for each retry.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct BudgetConfig {
    /// Whether retries are limited at all.
    #[config(default = true)]
    pub enabled: bool,
    /// The tokens that each call adds: with 0.1, one call in ten may be repeated in the long run.
    #[config(default = 0.1)]
    #[validate(range(min = 0.0, max = 10.0))]
    pub ratio: f64,
    /// The tokens that each second adds, so that a client with few calls can repeat one.
    #[config(default = 1.0)]
    #[validate(range(min = 0.0, max = 10_000.0))]
    pub per_second: f64,
    /// The tokens at the start, and the most there can be.
    #[config(default = 10)]
    #[validate(range(min = 1, max = 1_000_000))]
    pub burst: u32,
}

/// When an upstream is taken to be down, and how it is probed.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct BreakerConfig {
    /// Whether there is a breaker.
    #[config(default = true)]
    pub enabled: bool,
    /// The time whose attempts count for the failure rate.
    #[config(default = "10s")]
    #[validate(range(min = "1ms", max = "24h"))]
    pub window: Duration,
    /// The failure rate, from 0 to 1, from which on the breaker opens.
    #[config(default = 0.5)]
    #[validate(range(min = 0.0, max = 1.0))]
    pub failure_rate: f64,
    /// The attempts within the window below which there is no failure rate.
    #[config(default = 20)]
    #[validate(range(min = 1, max = 1_000_000))]
    pub min_calls: u32,
    /// The failures in a row that open the breaker as well; 0 is any number.
    #[config(default = 0)]
    #[validate(range(max = 1_000_000))]
    pub consecutive_failures: u32,
    /// How long the breaker stays open before it lets probes through.
    #[config(default = "5s")]
    #[validate(range(min = "1ms", max = "24h"))]
    pub open_for: Duration,
    /// The share, from 0 to 1, by which `open_for` varies in both directions, so that the replicas
    /// of a service do not probe at once.
    #[config(default = 0.2)]
    #[validate(range(min = 0.0, max = 1.0))]
    pub jitter: f64,
    /// Most probes at a time, and the successes that close the breaker.
    #[config(default = 3)]
    #[validate(range(min = 1, max = 10_000))]
    pub probes: u32,
}

/// How many calls may be under way.
#[derive(Debug, Clone, PartialEq, Eq, Config)]
pub struct BulkheadConfig {
    /// Whether there is a bulkhead.
    #[config(default = true)]
    pub enabled: bool,
    /// Most calls that are under way.
    #[config(default = 256)]
    #[validate(range(min = 1, max = 1_000_000))]
    pub max_concurrent: u32,
    /// Most calls that wait for a place; further ones are refused at once.
    #[config(default = 256)]
    #[validate(range(max = 1_000_000))]
    pub max_waiting: u32,
    /// How long a call waits for a place.
    #[config(default = "1s")]
    #[validate(range(max = "24h"))]
    pub wait: Duration,
}

// === impl GuardConfig ===

impl Default for GuardConfig {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            timeout: Duration::from_secs(10),
            retry: RetryConfig::default(),
            breaker: BreakerConfig::default(),
            bulkhead: BulkheadConfig::default(),
        }
    }
}

// === impl RetryConfig ===

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_millis(100),
            factor: 2.0,
            cap: Duration::from_secs(5),
            jitter: 0.5,
            budget: BudgetConfig::default(),
        }
    }
}

// === impl BudgetConfig ===

impl Default for BudgetConfig {
    fn default() -> Self {
        Self { enabled: true, ratio: 0.1, per_second: 1.0, burst: 10 }
    }
}

// === impl BreakerConfig ===

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            window: Duration::from_secs(10),
            failure_rate: 0.5,
            min_calls: 20,
            consecutive_failures: 0,
            open_for: Duration::from_secs(5),
            jitter: 0.2,
            probes: 3,
        }
    }
}

// === impl BulkheadConfig ===

impl Default for BulkheadConfig {
    fn default() -> Self {
        Self { enabled: true, max_concurrent: 256, max_waiting: 256, wait: Duration::from_secs(1) }
    }
}

#[cfg(test)]
mod tests {
    use purlin::config::{Inputs, Section, Settings};

    use super::*;

    /// A client.
    #[derive(Debug, Config)]
    #[config(section = "client")]
    struct ClientConfig {
        /// How it is guarded.
        #[config(nested)]
        guard: GuardConfig,
    }

    fn read(inputs: Inputs) -> Result<GuardConfig, String> {
        let section = Section::of::<ClientConfig>("client", None);
        let (settings, problems) = Settings::load(inputs, std::slice::from_ref(&section));
        if !problems.is_empty() {
            return Err(format!("{problems:?}"));
        }
        settings.read::<ClientConfig>(&section).map(|c| c.guard).map_err(|p| format!("{p:?}"))
    }

    #[test]
    fn the_defaults_are_the_same_with_and_without_an_application() {
        assert_eq!(read(Inputs::default()).unwrap(), GuardConfig::default());
    }

    #[test]
    fn a_client_module_nests_it() {
        let inputs = Inputs::of_variables([
            ("CLIENT_GUARD_RETRY_ATTEMPTS", "5"),
            ("CLIENT_GUARD_RETRY_BUDGET_ENABLED", "false"),
            ("CLIENT_GUARD_BREAKER_OPEN_FOR", "90s"),
        ]);
        let guard = read(inputs).unwrap();
        assert_eq!(guard.retry.attempts, 5);
        assert!(!guard.retry.budget.enabled);
        assert_eq!(guard.breaker.open_for, Duration::from_secs(90));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (name, value) in [
            ("CLIENT_GUARD_RETRY_ATTEMPTS", "0"),
            ("CLIENT_GUARD_RETRY_JITTER", "1.5"),
            ("CLIENT_GUARD_RETRY_FACTOR", "0.5"),
            ("CLIENT_GUARD_BREAKER_FAILURE_RATE", "50"),
            ("CLIENT_GUARD_BREAKER_PROBES", "0"),
            ("CLIENT_GUARD_BREAKER_WINDOW", "0"),
            ("CLIENT_GUARD_BULKHEAD_MAX_CONCURRENT", "0"),
        ] {
            let refused = read(Inputs::of_variables([(name, value)]));
            assert!(refused.is_err(), "{name}={value} is taken: {refused:?}");
        }
    }
}
