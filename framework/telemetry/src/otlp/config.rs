use std::time::Duration;

use purlin_core::config::{Config, Secret};

use super::{
    Signal,
    text::{Compression, Endpoint, Exporter, Millis, Pairs, Propagators, Protocol, Sampler},
};
use crate::log::Levels;

/// What is sent to an OpenTelemetry collector. The section is `otel`, and each of its variables is
/// the one of the [specification]: `otel.exporter.otlp.endpoint` is `OTEL_EXPORTER_OTLP_ENDPOINT`.
///
/// [specification]: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
#[derive(Debug, Clone, Config)]
#[config(section = "otel")]
pub struct OtelConfig {
    /// The switch for all of it.
    #[config(nested)]
    pub sdk: SdkConfig,
    /// What the collector calls the service. The name of the program, if it is not set.
    pub service_name: Option<String>,
    /// What else describes the service: `deployment.environment.name=staging,team=orders`.
    #[config(default = "")]
    pub resource_attributes: Pairs,
    /// How a trace is passed on to other services: `tracecontext`, `baggage`, or `none`.
    #[config(default = "tracecontext,baggage")]
    pub propagators: Propagators,
    /// Where it is sent.
    #[config(nested)]
    pub exporter: ExporterConfig,
    /// Traces.
    #[config(nested)]
    pub traces: TracesConfig,
    /// Metrics.
    #[config(nested)]
    pub metrics: CommonConfig,
    /// Logs.
    #[config(nested)]
    pub logs: CommonConfig,
    /// The queue of spans.
    #[config(nested)]
    pub bsp: BatchConfig,
    /// The queue of log records.
    #[config(nested)]
    pub blrp: BatchConfig,
    /// How often metrics are sent.
    #[config(nested)]
    pub metric: MetricReaderConfig,
    /// How long the last of it may take to be sent, when the application has stopped.
    #[config(default = "5s")]
    #[validate(range(min = "10ms", max = "5m"))]
    pub flush_timeout: Duration,
}

/// The switch for all of it.
#[derive(Debug, Clone, Config)]
pub struct SdkConfig {
    /// Whether nothing is sent and no span is made, whatever else is set.
    #[config(default = false)]
    pub disabled: bool,
}

/// Where it is sent.
#[derive(Debug, Clone, Config)]
pub struct ExporterConfig {
    /// The collector.
    #[config(nested)]
    pub otlp: OtlpConfig,
}

/// The collector, and how it is spoken to.
#[derive(Debug, Clone, Config)]
pub struct OtlpConfig {
    /// The address of the collector: `http://collector:4318`, or `http://collector:4317` for gRPC.
    /// Over HTTP the path of the signal is added, such as `/v1/traces`. Nothing is sent, if it is
    /// not set.
    pub endpoint: Option<Endpoint>,
    /// How the collector is spoken to: `http/protobuf` or `grpc`.
    #[config(default = "http/protobuf")]
    pub protocol: Protocol,
    /// Headers of each request: `api-key=secret,tenant=a`. Values are percent-encoded.
    pub headers: Option<Secret<String>>,
    /// How long a batch may take, further attempts included. A number alone is in milliseconds.
    #[config(default = "10s")]
    pub timeout: Millis,
    /// How batches are compressed: `gzip` or `none`.
    #[config(default = "none")]
    pub compression: Compression,
    /// What is different for traces.
    #[config(nested)]
    pub traces: SignalConfig,
    /// What is different for metrics.
    #[config(nested)]
    pub metrics: SignalConfig,
    /// What is different for logs.
    #[config(nested)]
    pub logs: SignalConfig,
}

/// What is different for one signal.
#[derive(Debug, Clone, Config)]
pub struct SignalConfig {
    /// Where it is sent, in place of the common address. Nothing is added to its path.
    pub endpoint: Option<Endpoint>,
    /// How it is sent.
    pub protocol: Option<Protocol>,
    /// Headers of each request.
    pub headers: Option<Secret<String>>,
    /// How long a batch may take.
    pub timeout: Option<Millis>,
    /// How batches are compressed.
    pub compression: Option<Compression>,
}

/// Which spans there are.
#[derive(Debug, Clone, Config)]
pub struct TracesConfig {
    /// What becomes of spans: `otlp` sends them; `none` makes them, so that log lines and calls
    /// have the identifier of the trace, and sends nothing. As there is an endpoint, if it is not
    /// set.
    pub exporter: Option<Exporter>,
    /// Which traces are kept: `always_on`, `always_off`, `traceidratio`, or these for traces that
    /// begin here, with `parentbased_` before them, where the caller decides about its own.
    #[config(default = "parentbased_always_on")]
    pub sampler: Sampler,
    /// The share of traces that `traceidratio` keeps.
    #[config(default = 1.0)]
    #[validate(range(min = 0.0, max = 1.0))]
    pub sampler_arg: f64,
    /// Which spans are made, by level and target: `info,purlin=debug,orders::poll=off`.
    #[config(default = "info,purlin=debug")]
    pub level: Levels,
}

/// Whether a signal is sent.
#[derive(Debug, Clone, Config)]
pub struct CommonConfig {
    /// `otlp` or `none`. As there is an endpoint, if it is not set.
    pub exporter: Option<Exporter>,
}

/// A queue, and the batches that leave it.
#[derive(Debug, Clone, Config)]
pub struct BatchConfig {
    /// How long a batch waits to become full. A number alone is in milliseconds.
    #[config(default = "5s")]
    pub schedule_delay: Millis,
    /// How many may wait, those in flight included. More are dropped, and counted.
    #[config(default = 2048)]
    #[validate(range(min = 1, max = 1_000_000))]
    pub max_queue_size: usize,
    /// The most in one batch.
    #[config(default = 512)]
    #[validate(range(min = 1, max = 1_000_000))]
    pub max_export_batch_size: usize,
}

/// How often metrics are sent.
#[derive(Debug, Clone, Config)]
pub struct MetricReaderConfig {
    /// The time between two reports. A number alone is in milliseconds.
    #[config(default = "60s")]
    pub export_interval: Millis,
}

/// Where one signal is sent, and how.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) endpoint: String,
    pub(super) protocol: Protocol,
    pub(super) headers: Vec<(String, String)>,
    pub(super) timeout: Duration,
    pub(super) compression: Compression,
}

// === impl OtelConfig ===

impl OtelConfig {
    /// Where a signal is sent, if it is.
    pub(super) fn target(&self, signal: Signal) -> Option<Target> {
        let (all, exporter) = (&self.exporter.otlp, self.exporter(signal));
        let own = match signal {
            Signal::Traces => &all.traces,
            Signal::Metrics => &all.metrics,
            Signal::Logs => &all.logs,
        };
        if self.sdk.disabled || exporter == Some(Exporter::None) {
            return None;
        }
        let protocol = own.protocol.unwrap_or(all.protocol);
        let endpoint = match (&own.endpoint, &all.endpoint) {
            (Some(own), _) => own.as_str().to_owned(),
            (None, Some(all)) => all.of(signal.name(), protocol),
            // Who asks for it by name gets it where the specification says that it is.
            (None, None) if exporter.is_some() => {
                Endpoint::local(protocol).of(signal.name(), protocol)
            }
            (None, None) => return None,
        };
        let headers = own.headers.as_ref().or(all.headers.as_ref());
        Some(Target {
            endpoint,
            protocol,
            headers: headers.map(|headers| Pairs::of_headers(headers.expose())).unwrap_or_default(),
            timeout: own.timeout.unwrap_or(all.timeout).duration(),
            compression: own.compression.unwrap_or(all.compression),
        })
    }

    /// Whether spans are made.
    pub(super) fn traces(&self) -> bool {
        !self.sdk.disabled
            && (self.exporter(Signal::Traces).is_some() || self.target(Signal::Traces).is_some())
    }

    fn exporter(&self, signal: Signal) -> Option<Exporter> {
        match signal {
            Signal::Traces => self.traces.exporter,
            Signal::Metrics => self.metrics.exporter,
            Signal::Logs => self.logs.exporter,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use purlin_core::config::{Inputs, Section, Settings};

    use super::*;

    fn read(variables: &[(&'static str, &'static str)]) -> OtelConfig {
        let section = Section::of::<OtelConfig>("otel", None);
        let inputs = Inputs::of_variables(variables.iter().copied());
        let (settings, problems) = Settings::load(inputs, std::slice::from_ref(&section));
        assert!(problems.is_empty(), "{problems:?}");
        settings.read(&section).unwrap()
    }

    fn problem(name: &'static str, value: &'static str) -> String {
        let section = Section::of::<OtelConfig>("otel", None);
        let inputs = Inputs::of_variables([(name, value)]);
        let (settings, _) = Settings::load(inputs, std::slice::from_ref(&section));
        let problems = settings.read::<OtelConfig>(&section).unwrap_err();
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn without_an_endpoint_nothing_is_sent() {
        let config = read(&[]);
        assert!(!config.traces());
        for signal in [Signal::Traces, Signal::Metrics, Signal::Logs] {
            assert!(config.target(signal).is_none());
        }
    }

    #[test]
    fn the_variables_are_those_of_the_specification() {
        let config = read(&[
            ("OTEL_SERVICE_NAME", "billing"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team=orders,note=a%20b"),
            ("OTEL_PROPAGATORS", "tracecontext"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s%3Decret"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces:4317"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "other=1"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1s"),
            ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "10"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "300"),
        ]);
        assert_eq!(config.service_name.as_deref(), Some("billing"));
        let attributes: Vec<_> = config.resource_attributes.iter().collect();
        assert_eq!(attributes, [("team", "orders"), ("note", "a b")]);
        let traces = config.target(Signal::Traces).unwrap();
        assert_eq!(traces.endpoint, "https://traces:4317");
        assert_eq!((traces.protocol, traces.compression), (Protocol::Grpc, Compression::None));
        assert_eq!(traces.headers, [("other".to_owned(), "1".to_owned())]);
        assert_eq!(traces.timeout, Duration::from_secs(1));
        let metrics = config.target(Signal::Metrics).unwrap();
        assert_eq!(metrics.endpoint, "http://collector:4318/v1/metrics");
        assert_eq!(metrics.headers, [("api-key".to_owned(), "s=ecret".to_owned())]);
        assert_eq!(metrics.timeout, Duration::from_millis(2500));
        assert_eq!(metrics.compression, Compression::Gzip);
        assert!(config.target(Signal::Logs).is_none());
        assert_eq!((config.traces.sampler_arg, config.bsp.max_queue_size), (0.25, 10));
        assert_eq!(config.bsp.schedule_delay.duration(), Duration::from_millis(100));
        assert_eq!(config.blrp.schedule_delay.duration(), Duration::from_millis(200));
        assert_eq!(config.metric.export_interval.duration(), Duration::from_millis(300));
    }

    #[test]
    fn spans_can_be_made_and_not_sent() {
        let config = read(&[("OTEL_TRACES_EXPORTER", "none")]);
        assert!(config.traces() && config.target(Signal::Traces).is_none());
        let config = read(&[
            ("OTEL_SDK_DISABLED", "true"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
        ]);
        assert!(!config.traces() && config.target(Signal::Metrics).is_none());
    }

    #[test]
    fn who_names_the_exporter_gets_it_on_this_machine() {
        let config = read(&[("OTEL_LOGS_EXPORTER", "otlp")]);
        assert_eq!(config.target(Signal::Logs).unwrap().endpoint, "http://localhost:4318/v1/logs");
        let config =
            read(&[("OTEL_LOGS_EXPORTER", "otlp"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
        assert_eq!(config.target(Signal::Logs).unwrap().endpoint, "http://localhost:4317");
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (name, value, said) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "write grpc or http/protobuf"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector", "write http://collector:4318"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", "write 10s, or 10000 for milliseconds"),
            ("OTEL_TRACES_SAMPLER", "sometimes", "write always_on, always_off"),
            ("OTEL_TRACES_EXPORTER", "zipkin", "write otlp or none"),
            ("OTEL_PROPAGATORS", "tracecontext,b3", "`b3` is not known here"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team", "write name=value,name=value"),
        ] {
            let problem = problem(name, value);
            assert!(problem.contains(said), "{name}={value}: {problem}");
        }
    }

    #[test]
    fn the_book_names_every_variable_and_no_other() {
        const PAGE: &str = include_str!("../../../../docs/book/telemetry.md");
        let section = Section::of::<OtelConfig>("otel", None);
        let known: BTreeSet<&str> =
            section.leaves().iter().flat_map(|leaf| leaf.variables()).map(String::as_str).collect();
        let words = PAGE.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        let named: BTreeSet<_> = words.filter(|word| word.starts_with("OTEL_")).collect();
        // It is there to say that it is not read.
        let strange: Vec<_> = named.difference(&known).collect();
        assert_eq!(strange, [&"OTEL_EXPORTER_OTLP_CERTIFICATE"]);
        let signal = ["_OTLP_TRACES_", "_OTLP_METRICS_", "_OTLP_LOGS_"];
        let of_one_signal = |name: &str| signal.iter().any(|signal| name.contains(signal));
        let missing = known.difference(&named).filter(|name| !of_one_signal(name));
        assert_eq!(missing.collect::<Vec<_>>(), [&"OTEL_ENABLED"]);
    }
}
