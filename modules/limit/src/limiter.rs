use std::time::Duration;

use purlin_core::{async_trait, error::Error};

use crate::Quota;

/// Decides which requests are let through.
///
/// # For whoever implements one
/// A key is opaque: the server puts into it what the quota is counted by, and two quotas that are
/// not to be counted together never share a key. A request that is refused takes nothing. What is
/// let through in any time `T` is at most `burst + T × rate`, over all that share the limiter.
#[async_trait]
pub trait RateLimiter: Send + Sync + 'static {
    /// Takes one request of `key` out of `quota`, if there is one.
    ///
    /// # Errors
    /// [`LimiterUnavailable`] when it cannot be decided. Whether the request is let through then is
    /// up to the server's configuration.
    async fn check(&self, key: &str, quota: Quota) -> Result<Decision, LimiterUnavailable>;

    /// How many keys are kept, where the limiter keeps them itself.
    fn keys(&self) -> Option<usize> {
        None
    }
}

/// What a limiter says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// How many further requests could come at once.
    pub remaining: u32,
    /// The time until all of the quota is back.
    pub reset: Duration,
    /// The time after which it is worth trying again; `None` where the request is let through.
    pub retry_after: Option<Duration>,
}

/// The limiter cannot decide, for example because its server does not answer.
#[derive(Debug, thiserror::Error)]
#[error("the rate limiter is not available")]
pub struct LimiterUnavailable(#[source] pub Error);

// === impl Decision ===

impl Decision {
    /// Whether the request is let through.
    pub fn is_allowed(&self) -> bool {
        self.retry_after.is_none()
    }
}
