//! Metrics.

use std::sync::Arc;

use opentelemetry::metrics::Counter;
use purlin::meter::{Kind, Meter, Metric, label};

/// Guarded calls that have ended.
///
/// `outcome` is `ok`, `failed`, `timed_out`, `deadline_exceeded`, `breaker_open`, `bulkhead_full`,
/// or `dropped` where the caller did not wait for it.
pub const CALLS: Metric = Metric {
    name: "resilience_calls_total",
    help: "Guarded calls that have ended, by their outcome.",
    kind: Kind::Counter,
    unit: "",
    labels: &["guard", "outcome"],
};

/// Retries that were due. `outcome` is `made`, or `no_budget` where the budget was empty.
pub const RETRIES: Metric = Metric {
    name: "resilience_retries_total",
    help: "Retries that were made, and those that the budget refused.",
    kind: Kind::Counter,
    unit: "",
    labels: &["guard", "outcome"],
};

/// The state of a breaker: 0 is closed, 1 half-open, 2 open.
pub const BREAKER_STATE: Metric = Metric {
    name: "resilience_breaker_state",
    help: "State of the breaker: 0 closed, 1 half-open, 2 open.",
    kind: Kind::Gauge,
    unit: "",
    labels: &["guard"],
};

/// How often a breaker came into a state: `closed`, `half_open` or `open`.
pub const BREAKER_TRANSITIONS: Metric = Metric {
    name: "resilience_breaker_transitions_total",
    help: "How often the breaker came into each state.",
    kind: Kind::Counter,
    unit: "",
    labels: &["guard", "state"],
};

/// Calls that are under way in a bulkhead.
pub const BULKHEAD_ACTIVE: Metric = Metric {
    name: "resilience_bulkhead_active",
    help: "Calls that are under way.",
    kind: Kind::Gauge,
    unit: "",
    labels: &["guard"],
};

/// Calls that wait for a place in a bulkhead.
pub const BULKHEAD_WAITING: Metric = Metric {
    name: "resilience_bulkhead_waiting",
    help: "Calls that wait for a place.",
    kind: Kind::Gauge,
    unit: "",
    labels: &["guard"],
};

/// All of them.
pub const ALL: &[Metric] =
    &[CALLS, RETRIES, BREAKER_STATE, BREAKER_TRANSITIONS, BULKHEAD_ACTIVE, BULKHEAD_WAITING];

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

/// Reads a number when metrics are collected. The callback stays as long as the meter, so `read`
/// holds what it reads weakly, and returns `None` once that is gone.
pub(crate) fn observe(
    meter: &Meter,
    metric: &Metric,
    guard: &Arc<str>,
    read: impl Fn() -> Option<i64> + Send + Sync + 'static,
) {
    let labels = [label("guard", guard.clone())];
    // The meter keeps the callback; the instrument is only a name for it.
    let _ = meter
        .otel()
        .i64_observable_gauge(metric.name)
        .with_description(metric.help)
        .with_callback(move |observer| {
            if let Some(value) = read() {
                observer.observe(value, &labels);
            }
        })
        .build();
}
