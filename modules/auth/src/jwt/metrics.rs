//! Metrics.

use opentelemetry::metrics::Counter;
use purlin::meter::{Meter, Metric, label};

purlin::metrics! {
    TOKENS = Counter "auth_tokens_total" ["outcome"] "":
        "Tokens that were checked, by what came of it: `ok`, or the reason of the refusal.";
    KEY_FETCHES = Counter "auth_key_fetches_total" ["outcome"] "":
        "Fetches of the set of keys, by what came of it: `ok` or `error`.";
}

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
