use std::io::Write as _;

use serde_json::Value;
use tracing::Level;

use super::{Format, Record};

/// A line of text, for people.
///
/// ```text
/// 12:07:55.120 INFO  http create: answered correlation_id=018f… status=201
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Console {
    /// Whether the terminal shows colours.
    pub colours: bool,
}

// === impl Console ===

impl Console {
    /// Text with colours where stdout is a terminal.
    pub fn of_stdout() -> Self {
        Self { colours: std::io::IsTerminal::is_terminal(&std::io::stdout()) }
    }

    fn paint(self, code: &'static str) -> (&'static str, &'static str) {
        if self.colours { (code, "\x1b[0m") } else { ("", "") }
    }
}

impl Format for Console {
    fn write(&self, record: &Record<'_>, line: &mut Vec<u8>) {
        let (dim, plain) = self.paint("\x1b[2m");
        let (colour, _) = self.paint(match record.level {
            Level::ERROR => "\x1b[31m",
            Level::WARN => "\x1b[33m",
            Level::INFO => "\x1b[32m",
            Level::DEBUG => "\x1b[34m",
            Level::TRACE => "\x1b[35m",
        });
        let time = humantime::format_rfc3339_millis(record.time).to_string();
        // The day is known to whoever reads along: `2030-01-01T` and `Z` are left out.
        let time = time.get(11..23).unwrap_or(&time);
        // Writing to a `Vec` cannot fail.
        let _ = write!(line, "{dim}{time}{plain} {colour}{:<5}{plain} ", record.level.as_str());
        let _ = write!(line, "{dim}{}", record.component);
        if let Some(method) = record.method {
            let _ = write!(line, " {method}");
        }
        let _ = write!(line, ":{plain} ");
        line.extend(record.message.bytes().flat_map(escaped));
        for (name, value) in record.fields {
            let _ = write!(line, " {dim}{name}={plain}");
            match value {
                Value::String(text) if is_plain(text) => line.extend_from_slice(text.as_bytes()),
                value => drop(write!(line, "{value}")),
            }
        }
        if let Some(trace) = &record.trace {
            let (trace_id, span_id) = (trace.trace_id(), trace.span_id());
            let _ = write!(line, " {dim}trace_id={trace_id} span_id={span_id}{plain}");
        }
        if let Some((file, number)) = record.place {
            let _ = write!(line, " {dim}({file}:{number}){plain}");
        }
        line.push(b'\n');
    }
}

/// Whether a text reads as one word without quotes.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"')
}

/// A message from outside must neither move the cursor nor begin a line that looks like another.
fn escaped(byte: u8) -> impl Iterator<Item = u8> {
    let shown: &[u8] = match byte {
        b'\n' => b"\\n",
        b'\r' => b"\\r",
        0x1b => b"\\e",
        _ => &[],
    };
    let own = shown.is_empty().then_some(byte);
    shown.iter().copied().chain(own)
}
