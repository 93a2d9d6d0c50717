//! The metrics of rate limits.

use std::sync::Arc;

use opentelemetry::metrics::Counter;
use purlin_core::meter::{Meter, label};

use crate::{Decision, RateLimiter};

purlin_core::metrics! {
    /// `allowed` is `true` or `false`.
    REQUESTS = Counter "rate_limit_requests_total" ["allowed"] "":
        "Requests that a rate limiter decided on.";
    /// Those that are counted in this process.
    ACTIVE_LIMITERS = Gauge "rate_limit_active_limiters" [] "":
        "Callers whose requests are being counted.";
    UNDECIDED = Counter "rate_limit_undecided_total" [] "":
        "Requests that came while the rate limiter was not available.";
}

/// Counts what a limiter decides, for the server that asks it.
#[derive(Clone, Debug)]
pub struct Instruments {
    requests: Counter<u64>,
    undecided: Counter<u64>,
}

// === impl Instruments ===

impl Instruments {
    /// The instruments of a server, and of the keys of its limiter.
    pub fn new(meter: &Meter, limiter: &Arc<dyn RateLimiter>) -> Self {
        let limiter = limiter.clone();
        meter.observe(&ACTIVE_LIMITERS, move |observer| {
            if let Some(keys) = limiter.keys() {
                observer.observe(keys as f64, &[]);
            }
        });
        Self { requests: meter.counter(&REQUESTS), undecided: meter.counter(&UNDECIDED) }
    }

    /// Counts a decision.
    pub fn decided(&self, decision: &Decision) {
        self.requests.add(1, &[label("allowed", decision.is_allowed())]);
    }

    /// Counts a request on which there was none.
    pub fn undecided(&self) {
        self.undecided.add(1, &[]);
    }
}
