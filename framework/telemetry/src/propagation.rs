//! How a trace comes into the process, and how it leaves.

use opentelemetry::{
    global,
    propagation::{TextMapCompositePropagator, TextMapPropagator},
};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

/// The standards of the W3C: trace context, baggage, both or none.
pub(crate) fn propagator(trace: bool, baggage: bool) -> TextMapCompositePropagator {
    let mut all: Vec<Box<dyn TextMapPropagator + Send + Sync>> = Vec::new();
    if trace {
        all.push(Box::new(TraceContextPropagator::new()));
    }
    if baggage {
        all.push(Box::new(BaggagePropagator::new()));
    }
    TextMapCompositePropagator::new(all)
}

/// Makes it that of the process. Like the subscriber there is one, and libraries that speak
/// OpenTelemetry themselves find it there.
pub(crate) fn install(propagator: TextMapCompositePropagator) {
    global::set_text_map_propagator(propagator);
}
