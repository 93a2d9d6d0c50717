use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::IdGenerator;
use purlin_core::entropy::Entropy;

/// Identifiers out of the entropy of the application, so that a seed repeats them.
#[derive(Debug)]
pub(super) struct Ids(pub(super) Entropy);

// === impl Ids ===

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from((u128::from(self.0.u64()) << 64) | u128::from(non_zero(&self.0)))
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(non_zero(&self.0))
    }
}

/// An identifier of zeros is none.
fn non_zero(entropy: &Entropy) -> u64 {
    entropy.u64().max(1)
}
