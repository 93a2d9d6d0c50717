use std::time::Duration;

use super::Limits;
use crate::config::Config;

/// How long starting and stopping may take.
#[derive(Debug, Clone, Config)]
#[config(section = "lifecycle")]
pub(crate) struct LifecycleConfig {
    /// The time that a module may take to start, and a runnable to become ready.
    #[config(default = "60s")]
    #[validate(range(min = "1ms", max = "1h"))]
    pub(crate) start_timeout: Duration,
    /// The time that the whole stop may take, the drain delay included. Keep it below the grace
    /// period of the platform (30 s in Kubernetes).
    #[config(default = "25s")]
    #[validate(range(min = "100ms", max = "24h"))]
    pub(crate) stop_timeout: Duration,
    /// How long requests are still served after readiness went off, so that load balancers can
    /// notice. 5 s in profile prod and 0 s in the others, if it is not set.
    #[validate(range(max = "1h"))]
    pub(crate) drain_delay: Option<Duration>,
    /// The time for a hard stop of what did not stop in time, before it is aborted.
    #[config(default = "1s")]
    #[validate(range(min = "1ms", max = "1h"))]
    pub(crate) hard_stop: Duration,
    /// The time that a health check may take.
    #[config(default = "5s")]
    #[validate(range(min = "1ms", max = "1h"))]
    pub(crate) health_timeout: Duration,
}

/// The drain delay where none is set.
pub(crate) fn default_drain_delay(is_prod: bool) -> Duration {
    if is_prod { Duration::from_secs(5) } else { Duration::ZERO }
}

// === impl LifecycleConfig ===

impl LifecycleConfig {
    pub(crate) fn limits(&self, is_prod: bool) -> Limits {
        Limits {
            start: self.start_timeout,
            stop: self.stop_timeout,
            drain_delay: self.drain_delay.unwrap_or_else(|| default_drain_delay(is_prod)),
            hard_stop: self.hard_stop,
        }
    }
}
