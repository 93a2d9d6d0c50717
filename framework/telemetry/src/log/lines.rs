use std::{cell::RefCell, sync::Arc};

use tracing::{
    Event, Subscriber,
    span::{Attributes, Id},
};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use super::{BoxLayer, Logger, LoggerCx, Record, TARGET, record::Fields};

/// How a record becomes a line.
pub trait Format: Send + Sync + 'static {
    /// Appends the record to `line`, with a line end.
    fn write(&self, record: &Record<'_>, line: &mut Vec<u8>);
}

/// A logger that writes each record as a line of a [`Format`].
#[derive(Debug)]
pub struct Lines<F>(Arc<F>);

/// The layer of [`Lines`].
struct LinesLayer<F> {
    format: Arc<F>,
    cx: LoggerCx,
}

thread_local! {
    /// The line being written. Kept, so that lines cost no allocation once it has grown.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

// === impl Lines ===

impl<F: Format> Lines<F> {
    /// Writes lines of `format`.
    pub fn new(format: F) -> Self {
        Self(Arc::new(format))
    }
}

impl<F: Format> Logger for Lines<F> {
    fn layer(&self, cx: LoggerCx) -> BoxLayer {
        Box::new(LinesLayer { format: self.0.clone(), cx })
    }
}

// === impl LinesLayer ===

impl<F: Format> LinesLayer<F> {
    fn write(&self, record: &Record<'_>) {
        let write = |line: &mut Vec<u8>| {
            line.clear();
            self.format.write(record, line);
            self.cx.output.write(line);
        };
        LINE.with(|line| match line.try_borrow_mut() {
            Ok(mut line) => write(&mut line),
            // Somebody logs while a value is formatted for the log.
            Err(_) => write(&mut Vec::new()),
        });
    }
}

impl<F, S> Layer<S> for LinesLayer<F>
where
    F: Format,
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
        let mut fields = Fields::default();
        let mut method = None;
        for span in cx.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                of_span.0.iter().for_each(|(name, value)| fields.set(name, value.clone()));
            }
            // An outer span's method is not what the inner one does.
            method = fields.take("method").or_else(|| Some(span.name().to_owned()));
        }
        event.record(&mut fields);
        let message = fields.take("message").unwrap_or_default();
        let component = fields.take("component");
        let method = fields.take("method").or(method);
        let place = metadata.file().zip(metadata.line());
        self.write(&Record {
            time: self.cx.clock.system_now(),
            level: *metadata.level(),
            service: &self.cx.service,
            component: component.as_deref().unwrap_or(metadata.target()),
            method: method.as_deref(),
            target: metadata.target(),
            // Where the framework itself logs leads nowhere.
            place: place.filter(|_| self.cx.development && metadata.target() != TARGET),
            message: &message,
            fields: &fields.0,
        });
    }
}
