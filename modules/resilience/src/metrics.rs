//! Metrics.

use std::sync::Arc;

use opentelemetry::metrics::Counter;
use purlin::meter::{Meter, Metric, label};

purlin::metrics! {
    /// `outcome` is `ok`, `failed`, `timed_out`, `deadline_exceeded`, `breaker_open`, `bulkhead_full`,
    /// or `dropped` where the caller did not wait for it.
    CALLS = Counter "resilience_calls_total" ["guard", "outcome"] "":
        "Guarded calls that have ended, by their outcome.";
    /// `outcome` is `made`, or `no_budget` where the budget was empty.
    RETRIES = Counter "resilience_retries_total" ["guard", "outcome"] "":
        "Retries that were made, and those that the budget refused.";
    BREAKER_STATE = Gauge "resilience_breaker_state" ["guard"] "":
        "State of the breaker: 0 closed, 1 half-open, 2 open.";
    /// `state` is `closed`, `half_open` or `open`.
    BREAKER_TRANSITIONS = Counter "resilience_breaker_transitions_total" ["guard", "state"] "":
        "How often the breaker came into each state.";
    BULKHEAD_ACTIVE = Gauge "resilience_bulkhead_active" ["guard"] "":
        "Calls that are under way.";
    BULKHEAD_WAITING = Gauge "resilience_bulkhead_waiting" ["guard"] "":
        "Calls that wait for a place.";
}

/// The instruments of one guard.
pub(crate) struct Instruments {
    guard: Arc<str>,
    calls: Counter<u64>,
    retries: Counter<u64>,
}

/// Counts a call when it is dropped, by the outcome that is known by then.
pub(crate) struct CallCount<'a> {
    instruments: &'a Instruments,
    outcome: &'static str,
}

// === impl Instruments ===

impl Instruments {
    pub(crate) fn new(meter: &Meter, guard: Arc<str>) -> Self {
        Self { guard, calls: meter.counter(&CALLS), retries: meter.counter(&RETRIES) }
    }

    pub(crate) fn call(&self) -> CallCount<'_> {
        CallCount { instruments: self, outcome: "dropped" }
    }

    pub(crate) fn retry(&self, outcome: &'static str) {
        self.retries.add(1, &[label("guard", self.guard.clone()), label("outcome", outcome)]);
    }
}

// === impl CallCount ===

impl CallCount<'_> {
    pub(crate) fn ended(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for CallCount<'_> {
    fn drop(&mut self) {
        let Instruments { guard, calls, .. } = self.instruments;
        calls.add(1, &[label("guard", guard.clone()), label("outcome", self.outcome)]);
    }
}

/// Reads a number when metrics are collected. The meter keeps `read`, so it holds what it reads
/// weakly, and returns `None` once that is gone.
pub(crate) fn observe(
    meter: &Meter,
    metric: &Metric,
    guard: &Arc<str>,
    read: impl Fn() -> Option<u32> + Send + Sync + 'static,
) {
    let labels = [label("guard", guard.clone())];
    meter.observe(metric, move |observer| {
        if let Some(value) = read() {
            observer.observe(value.into(), &labels);
        }
    });
}
