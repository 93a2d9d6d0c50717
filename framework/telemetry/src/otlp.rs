//! Traces, metrics and logs for an OpenTelemetry collector, by OTLP.
//!
//! [`OtlpModule`] reads the section [`otel`](OtelConfig), whose variables are those of the
//! OpenTelemetry specification: `OTEL_EXPORTER_OTLP_ENDPOINT` is the key
//! `otel.exporter.otlp.endpoint`. Without an endpoint it is off, and costs nothing.
//!
//! # What it promises
//! - The application never waits for a collector. Spans and log records wait in a queue of limited
//!   length, and a thread sends them in batches.
//! - Nothing is lost without being counted, in
//!   [`purlin_otlp_dropped_total`](crate::metrics::OTLP_DROPPED), nor without being told, at most
//!   once a minute.
//! - It is flushed last, within `otel.flush_timeout`: what modules do while they stop is in the
//!   trace. Metrics go last of all, with a quarter of the time kept for them, and say what was lost
//!   of the others. What was not delivered is told by one line of the log, and changes no exit code.
//!
//! What the engine says after that, `stopped` first of all, is in the log on stdout alone.

mod batch;
mod config;
mod delivery;
mod exporters;
mod ids;
mod logs;
mod module;
mod outlet;
mod resource;
mod spans;
mod text;
mod told;

pub use self::{
    config::{
        BatchConfig, ExporterConfig, LogsConfig, MetricReaderConfig, MetricsConfig, OtelConfig,
        OtlpConfig, SdkConfig, SignalConfig, TracesConfig,
    },
    module::OtlpModule,
    text::{
        Compression, Endpoint, LogsExporter, MetricsExporter, Millis, Pairs, Propagators, Protocol,
        Sampler, TracesExporter,
    },
};

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Traces,
    Metrics,
    Logs,
}

// === impl Signal ===

impl Signal {
    const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// As it is called in paths, labels and variables.
    fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }

    /// So many of what it consists of.
    fn counted(self, count: u64) -> String {
        let (one, more) = match self {
            Self::Traces => ("span", "spans"),
            Self::Metrics => ("report of metrics", "reports of metrics"),
            Self::Logs => ("log record", "log records"),
        };
        format!("{count} {}", if count == 1 { one } else { more })
    }
}
