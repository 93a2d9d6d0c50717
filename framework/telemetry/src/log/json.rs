use serde::ser::{Serialize, SerializeMap as _, Serializer};
use tracing::Level;

use super::{Format, Record};

/// One JSON object a line.
///
/// ```json
/// {"timestamp":"2030-01-01T00:00:00.000Z","level":"info","service":"orders","version":"0.1.0","component":"http","method":"create","target":"purlin_http::access","message":"answered","correlation_id":"…","status":201}
/// ```
/// `target` is left out where it is the component, `trace_id` and `span_id` are there inside of a
/// trace. A field that is called like one of these is
/// written as `field.level`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

const STANDARD: [&str; 11] = [
    "timestamp",
    "level",
    "service",
    "version",
    "component",
    "method",
    "target",
    "message",
    "place",
    "trace_id",
    "span_id",
];

struct Object<'a>(&'a Record<'a>);

// === impl Json ===

impl Format for Json {
    fn write(&self, record: &Record<'_>, line: &mut Vec<u8>) {
        // Neither a `Vec` nor a map of text keys can fail.
        let _ = serde_json::to_writer(&mut *line, &Object(record));
        line.push(b'\n');
    }
}

// === impl Object ===

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(record) = self;
        let mut map = serializer.serialize_map(None)?;
        let time = humantime::format_rfc3339_millis(record.time);
        map.serialize_entry("timestamp", &format_args!("{time}"))?;
        map.serialize_entry("level", level(record.level))?;
        map.serialize_entry("service", &record.service.name)?;
        map.serialize_entry("version", &record.service.version)?;
        map.serialize_entry("component", record.component)?;
        if let Some(method) = record.method {
            map.serialize_entry("method", method)?;
        }
        if record.target != record.component {
            map.serialize_entry("target", record.target)?;
        }
        map.serialize_entry("message", record.message)?;
        if let Some((file, line)) = record.place {
            map.serialize_entry("place", &format_args!("{file}:{line}"))?;
        }
        if let Some(trace) = &record.trace {
            map.serialize_entry("trace_id", &format_args!("{:032x}", trace.trace_id()))?;
            map.serialize_entry("span_id", &format_args!("{:016x}", trace.span_id()))?;
        }
        for (name, value) in record.fields {
            if STANDARD.contains(name) {
                map.serialize_entry(&format_args!("field.{name}"), value)?;
            } else {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}
