use std::{
    error::Error,
    fmt::{self, Write as _},
    time::SystemTime,
};

use purlin_core::trace::SpanContext;
use serde_json::Value;
use tracing::{
    Level,
    field::{Field, Visit},
};

/// One record, with what the spans around it add.
#[derive(Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// When it was written.
    pub time: SystemTime,
    /// How bad it is.
    pub level: Level,
    /// Who logs.
    pub service: &'a Service,
    /// Which part of it logs.
    pub component: &'a str,
    /// What that part was doing.
    pub method: Option<&'a str>,
    /// The module path, or what was given in its place.
    pub target: &'a str,
    /// File and line, in development.
    pub place: Option<(&'a str, u32)>,
    /// What it says.
    pub message: &'a str,
    /// The trace that it belongs to.
    pub trace: Option<SpanContext>,
    /// Its fields and those of the spans around it.
    pub fields: &'a [(&'a str, Value)],
}

/// Who logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
}

/// The fields of an event or of a span.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(pub(super) Vec<(&'static str, Value)>);

// === impl Fields ===

impl Fields {
    /// Without any yet, and with room for those of a usual line.
    pub(super) fn with_room() -> Self {
        Self(Vec::with_capacity(16))
    }

    pub(super) fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Takes a text field out, to give it a place of its own.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| *known == name)?;
        Some(match self.0.remove(at).1 {
            Value::String(text) => text,
            other => other.to_string(),
        })
    }

    fn put<V: Into<Value>>(&mut self, field: &Field, value: impl FnOnce() -> V) {
        // Before the value is made, which may have to be formatted.
        if !Self::is_for_others(field) {
            self.set(field.name(), value().into());
        }
    }

    /// What the bridge from `log` adds is in the metadata by now, and what begins with `otel.` tells
    /// how a span is shown as part of a trace.
    fn is_for_others(field: &Field) -> bool {
        field.name().starts_with("log.") || field.name().starts_with("otel.")
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, || value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, || value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, || value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinity.
        match serde_json::Number::from_f64(value) {
            Some(number) => self.put(field, || number),
            None => self.put(field, || value.to_string()),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, || value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, || {
            let mut text = value.to_string();
            let mut next = value.source();
            while let Some(cause) = next {
                text.push_str(": ");
                text.push_str(&cause.to_string());
                next = cause.source();
            }
            text
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, || {
            // Most fit at once; `format!` would grow the text piece by piece.
            let mut text = String::with_capacity(32);
            // Only a value that fails to show itself can fail.
            let _ = write!(text, "{value:?}");
            text
        });
    }
}
