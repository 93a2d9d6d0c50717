use std::time::Duration;

use purlin::entropy::Entropy;

use crate::config::RetryConfig;

/// How often something is attempted, and the pauses in between: exponential, capped, with jitter.
///
/// ```
/// # extern crate purlin_core as purlin;
/// use purlin::entropy::Entropy;
/// use purlin_resilience::{Retry, RetryConfig};
///
/// let config = RetryConfig { attempts: 3, jitter: 0.0, ..RetryConfig::default() };
/// let retry = Retry::new(&config, Entropy::seeded(1));
/// let pauses: Vec<_> = (1..=3).map(|attempt| retry.pause(attempt).map(|d| d.as_millis())).collect();
/// assert_eq!(pauses, [Some(100), Some(200), None]);
/// ```
/// It is arithmetic: a [`Guard`](crate::Guard) does the attempts and the waiting.
///
/// Source: [Exponential backoff and jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/),
/// where a jitter of 1 is "full" and one of 0.5 is "equal".
#[derive(Debug, Clone)]
pub struct Retry {
    attempts: u32,
    base: Duration,
    factor: f64,
    cap: Duration,
    jitter: f64,
    entropy: Entropy,
}

// === impl Retry ===

impl Retry {
    /// A policy of `config`.
    pub fn new(config: &RetryConfig, entropy: Entropy) -> Self {
        let &RetryConfig { attempts, base, factor, cap, jitter, .. } = config;
        Self { attempts, base, factor: factor.max(1.0), cap, jitter: share(jitter), entropy }
    }

    /// The pause after the failed `attempt`, counted from 1; `None` when it was the last one.
    pub fn pause(&self, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.base.as_secs_f64() * self.factor.powi(exponent);
        let longest = Duration::try_from_secs_f64(seconds).unwrap_or(self.cap).min(self.cap);
        Some(longest.mul_f64(1.0 - self.jitter * self.entropy.fraction()))
    }
}

/// A share between 0 and 1; what is no number is 0.
pub(crate) fn share(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pause_stays_within_its_bounds(
            attempt in 1u32..2000,
            base in 0u64..10_000,
            factor in 1.0f64..100.0,
            cap in 0u64..100_000,
            jitter in 0.0f64..=1.0,
            seed: u64,
        ) {
            let (base, cap) = (Duration::from_millis(base), Duration::from_millis(cap));
            let config =
                RetryConfig { attempts: u32::MAX, base, factor, cap, jitter, ..Default::default() };
            let pause = Retry::new(&config, Entropy::seeded(seed)).pause(attempt).unwrap();
            let sharp = RetryConfig { jitter: 0.0, ..config };
            let longest = Retry::new(&sharp, Entropy::seeded(seed)).pause(attempt).unwrap();
            prop_assert!(longest <= cap);
            prop_assert!(longest >= base.min(cap));
            prop_assert!(pause <= longest);
            let shortest = longest.mul_f64(1.0 - jitter);
            prop_assert!(pause + Duration::from_nanos(1) >= shortest, "{pause:?} < {shortest:?}");
        }
    }

    #[test]
    fn a_config_by_hand_cannot_make_it_panic() {
        for wild in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0] {
            let config =
                RetryConfig { attempts: 9, factor: wild, jitter: wild, ..Default::default() };
            let retry = Retry::new(&config, Entropy::seeded(1));
            assert!((1..9).all(|attempt| retry.pause(attempt).unwrap() <= config.cap));
        }
    }
}
