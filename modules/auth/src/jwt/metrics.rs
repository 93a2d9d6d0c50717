//! Metrics.

use opentelemetry::metrics::Counter;
use purlin::meter::{Kind, Meter, Metric, label};

/// All metrics of this module.
pub const ALL: &[Metric] = &[TOKENS, KEY_FETCHES];

/// Tokens that were checked, by what came of it: `ok`, or the reason of the refusal.
pub const TOKENS: Metric = Metric {
    name: "auth_tokens_total",
    help: "Tokens that were checked, by what came of it: `ok`, or the reason of the refusal.",
    kind: Kind::Counter,
    unit: "",
    labels: &["outcome"],
};

/// Fetches of the set of keys, by what came of it: `ok` or `error`.
pub const KEY_FETCHES: Metric = Metric {
    name: "auth_key_fetches_total",
    help: "Fetches of the set of keys, by what came of it: `ok` or `error`.",
    kind: Kind::Counter,
    unit: "",
    labels: &["outcome"],
};

/// A counter with the one label `outcome`.
#[derive(Debug, Clone)]
pub(super) struct Outcomes(Counter<u64>);

// === impl Outcomes ===

impl Outcomes {
    pub(super) fn new(meter: &Meter, metric: &Metric) -> Self {
        Self(meter.counter(metric))
    }

    pub(super) fn count(&self, outcome: &'static str) {
        self.0.add(1, &[label("outcome", outcome)]);
    }
}
