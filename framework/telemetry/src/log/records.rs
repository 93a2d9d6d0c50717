use std::borrow::Cow;

use tracing::{
    Event, Subscriber,
    span::{Attributes, Id},
};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use purlin_core::trace;

use super::{LoggerCx, Record, TARGET, record::Fields};

/// A layer that puts each record together and hands it to a function.
pub(crate) struct Records<W> {
    cx: LoggerCx,
    write: W,
}

// === impl Records ===

impl<W: Fn(&Record<'_>)> Records<W> {
    pub(crate) fn new(cx: LoggerCx, write: W) -> Self {
        Self { cx, write }
    }
}

impl<W, S> Layer<S> for Records<W>
where
    W: Fn(&Record<'_>) + Send + Sync + 'static,
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let Some(span) = cx.span(id) else { return };
        // Another layer of this kind may have been here.
        if span.extensions().get::<Fields>().is_none() {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &tracing::span::Record<'_>, cx: Context<'_, S>) {
        let Some(span) = cx.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let mut fields = Fields::with_room();
        let mut method = None;
        for span in cx.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                of_span.0.iter().for_each(|(name, value)| fields.set(name, value.clone()));
            }
            // An outer span's method is not what the inner one does.
            let taken = fields.take("method").map(Cow::Owned);
            method = taken.or_else(|| Some(Cow::Borrowed(span.name())));
        }
        event.record(&mut fields);
        let message = fields.take("message").unwrap_or_default();
        let component = fields.take("component");
        let method = fields.take("method").map(Cow::Owned).or(method);
        let place = metadata.file().zip(metadata.line());
        (self.write)(&Record {
            time: self.cx.clock.system_now(),
            level: *metadata.level(),
            service: &self.cx.service,
            component: component.as_deref().unwrap_or(metadata.target()),
            method: method.as_deref(),
            target: metadata.target(),
            // Where the framework itself logs leads nowhere.
            place: place.filter(|_| self.cx.development && metadata.target() != TARGET),
            message: &message,
            // Not out of the spans above: a span that the log does not show is part of the trace.
            trace: trace::current(),
            fields: &fields.0,
        });
    }
}
