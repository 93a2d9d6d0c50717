use std::fmt;

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

/// Calls a function with the message of each error that has `fatal = true`.
pub(super) struct Fatal<F>(pub(super) F);

#[derive(Default)]
struct Found {
    fatal: bool,
    message: String,
}

// === impl Fatal ===

impl<F: Fn(&str) + Send + Sync + 'static, S: Subscriber> Layer<S> for Fatal<F> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if *metadata.level() != Level::ERROR || metadata.fields().field("fatal").is_none() {
            return;
        }
        let mut found = Found::default();
        event.record(&mut found);
        if found.fatal {
            (self.0)(&found.message);
        }
    }
}

// === impl Found ===

impl Visit for Found {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fatal |= field.name() == "fatal" && value;
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}
