//! The trace that a task works for: how it comes into the process, and how it leaves.
//!
//! A transport [extracts](extract) the context that a message or a request brought and makes its
//! span while that context is attached; whoever calls out [injects](inject) the context of the
//! moment. Between the two the context follows the spans of `tracing`, over every await and into
//! tasks of the [`Spawner`](crate::spawner::Spawner).
//!
//! The headers and the formats are OpenTelemetry's: W3C trace context and baggage, unless
//! `OTEL_PROPAGATORS` says otherwise. Where telemetry makes no spans, what a caller brought is passed
//! on as it is: a transport works [`within`] it. The [`CorrelationId`] is there without a trace, too.

mod correlation;
mod within;

use opentelemetry::{global, trace::TraceContextExt as _};

pub use opentelemetry::{
    Context, KeyValue, Value,
    baggage::BaggageExt,
    propagation::{Extractor, Injector},
    trace::{SpanContext, SpanId, Status, TraceId},
};

pub use self::{
    correlation::{Correlated, CorrelationId},
    within::{Within, carried, within},
};

/// The context that `carrier` brought: whose trace it belongs to, and the baggage.
///
/// ```
/// use std::collections::HashMap;
/// use purlin_core::trace;
/// use tracing::Instrument as _;
///
/// # async fn consume() {}
/// # async fn example() {
/// let message: HashMap<String, String> = HashMap::new();
/// let consumed = async {
///     let span = tracing::info_span!("consume", otel.kind = "consumer");
///     consume().instrument(span).await
/// };
/// trace::within(Some(trace::extract(&message)), consumed).await
/// # }
/// ```
///
/// What does not read as a context is left out, as the standard wants it: a caller's mistake costs
/// the link between two traces, never the request.
///
/// Source: [W3C Trace Context](https://www.w3.org/TR/trace-context/),
/// [W3C Baggage](https://www.w3.org/TR/baggage/).
pub fn extract(carrier: &dyn Extractor) -> Context {
    global::get_text_map_propagator(|propagator| {
        propagator.extract_with_context(&Context::new(), carrier)
    })
}

/// Whether any of the headers that a context comes in is there, by what `is_there` says of a name: a
/// transport that can tell cheaply needs not [`extract`] what nobody sent.
pub fn is_brought(mut is_there: impl FnMut(&str) -> bool) -> bool {
    global::get_text_map_propagator(|propagator| propagator.fields().any(&mut is_there))
}

/// Writes the context of the current span and the [`CorrelationId`] into `carrier`, for whoever is
/// called.
///
/// ```
/// use std::collections::HashMap;
/// use purlin_core::trace;
///
/// let mut headers: HashMap<String, String> = HashMap::new();
/// trace::inject(&mut headers);
/// ```
pub fn inject(carrier: &mut dyn Injector) {
    global::get_text_map_propagator(|propagator| propagator.inject(carrier));
    if let Some(id) = CorrelationId::current() {
        carrier.set(CorrelationId::HEADER, id.as_str().to_owned());
    }
}

/// The trace and the span that run here, or `None` outside of a trace.
///
/// It is there also for a trace that is not sampled, whose spans nobody will see: its identifier
/// still joins the log lines of several services.
pub fn current() -> Option<SpanContext> {
    Context::map_current(|context| {
        let span = context.span();
        let context = span.span_context();
        context.is_valid().then(|| context.clone())
    })
}

/// Adds what is known only now to the current span, if somebody records it.
///
/// ```
/// use purlin_core::trace::{self, KeyValue};
///
/// trace::record(|| [KeyValue::new("db.response.returned_rows", 3)]);
/// ```
///
/// It is for what belongs on the span and not on the log lines inside of it; for both, record a
/// field of the `tracing` span.
pub fn record<I: IntoIterator<Item = KeyValue>>(attributes: impl FnOnce() -> I) {
    Context::map_current(|context| {
        let span = context.span();
        if span.is_recording() {
            attributes().into_iter().for_each(|attribute| span.set_attribute(attribute));
        }
    });
}

/// Marks the current span as failed. What went wrong is `description`, without values of the user.
pub fn fail(description: impl Into<std::borrow::Cow<'static, str>>) {
    Context::map_current(|context| context.span().set_status(Status::error(description)));
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn without_telemetry_nothing_comes_in_and_nothing_goes_out() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
        let context = extract(&HashMap::from([("traceparent".to_owned(), header)]));
        let _attached = context.attach();
        assert_eq!(current(), None);
        let mut headers = HashMap::new();
        inject(&mut headers);
        assert!(headers.is_empty(), "{headers:?}");
    }
}
