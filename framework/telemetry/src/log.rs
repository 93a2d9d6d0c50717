//! Logging: `tracing` records as lines on stdout.
//!
//! # Where lines go
//! To stdout, through a thread of its own, so that no task waits for a pipe. Stderr is left to the
//! start and stop reports of `run()` and to panics. What waits is written when the application has
//! stopped; from then on lines are written at once.
//!
//! # What is on a line
//! Always: time, level, service, version, *component* and the message. The component is the field
//! `component` of the event or of a span around it, else the event's target. The *method* is the
//! field `method` of the event, else that of the innermost span, else that span's name, which under
//! `#[tracing::instrument]` is the name of the function. Then follow the fields of the spans,
//! outermost first, and of the event; of several with one name the innermost counts. So a request
//! span with a `correlation_id` puts it on every line inside. Inside of a trace a line has its
//! `trace_id` and the `span_id` of the innermost span.
//!
//! # Noise
//! `logger.sampling` limits how much one call site says in a second. What is left out is counted in
//! `purlin_log_records_left_out_total`; warnings and errors never are.
//!
//! # A fatal record
//! An error event with the field `fatal = true` stops the application with exit code 1:
//! ```
//! tracing::error!(fatal = true, "the signing key was revoked");
//! ```
//! A level of `off` for its target silences it, and then nothing stops.
//!
//! # What the framework logs
//! Each step of the lifecycle is one record with the target `purlin`. In development those of the
//! ordinary course are at level debug, for the reports on stderr show them. A failure is told in one
//! place: under `run()`, outside of the profile prod, that is the report, and its record is at level
//! debug as well. In prod the log has everything; stderr has what ended the service once more, in
//! case the log is what failed.

mod console;
mod counts;
mod events;
mod fatal;
mod json;
mod levels;
mod lines;
mod output;
mod page;
mod panic;
mod record;
mod records;
mod sampling;
mod stack;
mod switch;

use tracing_subscriber::{Layer, Registry};

pub use self::{
    console::Console,
    json::Json,
    levels::{Levels, NotLevels},
    lines::{Format, Lines},
    output::{Output, Unwritten},
    record::{Record, Service},
    sampling::{NotSampling, Sampling},
};
pub(crate) use self::{
    counts::Counts, events::log as log_event, page::LoggersPage,
    panic::install as install_panic_hook, records::Records, sampling::Sampler, stack::Stack,
    switch::Waiter,
};

/// The target of what the framework itself logs: `purlin=warn` silences its ordinary course.
pub(crate) const TARGET: &str = "purlin";

/// Turns `tracing` records into whatever the service's operators read.
///
/// It is the one place to replace when [`Json`] and [`Console`] are not it. Most replacements are a
/// [`Format`] in [`Lines`]; one that brings a subscriber layer of its own implements this.
///
/// ```
/// use purlin_telemetry::{TelemetryModule, log::{Format, Lines, Record}};
///
/// /// `error: the disk is full`, and nothing else.
/// struct Terse;
///
/// impl Format for Terse {
///     fn write(&self, record: &Record<'_>, line: &mut Vec<u8>) {
///         line.extend(format!("{}: {}\n", record.level, record.message).bytes());
///     }
/// }
///
/// let telemetry = TelemetryModule::new().logger(Lines::new(Terse));
/// # let _ = telemetry;
/// ```
pub trait Logger: Send + Sync + 'static {
    /// The layer that sees every record which the levels let through.
    fn layer(&self, cx: LoggerCx) -> BoxLayer;
}

/// A layer on the registry of spans.
pub type BoxLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// What a [`Logger`] works with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoggerCx {
    /// Who logs.
    pub service: Service,
    /// Whether a developer reads along.
    pub development: bool,
    /// Where lines go.
    pub output: Output,
    /// The clock of time stamps.
    pub clock: purlin_core::clock::Clock,
}

#[cfg(test)]
pub(crate) mod tests;
