//! Log records for the collector.

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use serde_json::Value;
use tracing::Level;

use crate::log::{BoxLayer, LoggerCx, Record, Records};

/// The layer that sends what the lines on stdout say.
pub(super) fn layer(provider: &SdkLoggerProvider, cx: LoggerCx) -> BoxLayer {
    let logger = provider.logger("purlin");
    Box::new(Records::new(cx, move |record: &Record<'_>| {
        if is_of_the_exporter(record.target) {
            return;
        }
        let mut sent = logger.create_log_record();
        sent.set_timestamp(record.time);
        let (severity, text) = severity(record.level);
        sent.set_severity_number(severity);
        sent.set_severity_text(text);
        sent.set_target(record.target.to_owned());
        sent.set_body(AnyValue::from(record.message.to_owned()));
        sent.add_attribute("component", record.component.to_owned());
        if let Some(method) = record.method {
            sent.add_attribute("method", method.to_owned());
        }
        if let Some((file, line)) = record.place {
            sent.add_attribute("code.file.path", file.to_owned());
            sent.add_attribute("code.line.number", i64::from(line));
        }
        sent.add_attributes(
            record.fields.iter().map(|(name, value)| ((*name).to_owned(), any(value))),
        );
        // The trace and the span are those of the current context.
        logger.emit(sent);
    }))
}

/// What the exporters themselves say at level debug would have to be sent, and so on for ever.
fn is_of_the_exporter(target: &str) -> bool {
    const CRATES: [&str; 8] =
        ["h2", "hyper", "hyper_util", "hyper_rustls", "opentelemetry", "rustls", "tonic", "tower"];
    let name = target.split("::").next().unwrap_or(target);
    CRATES.contains(&name) || name.starts_with("opentelemetry")
}

fn severity(level: Level) -> (Severity, &'static str) {
    match level {
        Level::ERROR => (Severity::Error, "ERROR"),
        Level::WARN => (Severity::Warn, "WARN"),
        Level::INFO => (Severity::Info, "INFO"),
        Level::DEBUG => (Severity::Debug, "DEBUG"),
        Level::TRACE => (Severity::Trace, "TRACE"),
    }
}

fn any(value: &Value) -> AnyValue {
    match value {
        Value::Bool(value) => AnyValue::from(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => AnyValue::from(whole),
            (None, Some(part)) => AnyValue::from(part),
            (None, None) => AnyValue::from(number.to_string()),
        },
        Value::String(text) => AnyValue::from(text.clone()),
        other => AnyValue::from(other.to_string()),
    }
}
