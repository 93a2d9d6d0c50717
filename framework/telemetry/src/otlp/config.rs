use std::{path::PathBuf, time::Duration};

use http::HeaderMap;
use purlin_core::config::{Config, Conflict, Secret};
use purlin_tls::ClientTlsConfig;

use super::{
    Signal,
    text::{
        Compression, Endpoint, Exporter, LogsExporter, MetricsExporter, Millis, Pairs, Propagators,
        Protocol, Sampler, TracesExporter, headers,
    },
};
use crate::log::Levels;

/// What is sent to an OpenTelemetry collector. The section is `otel`, and each of its variables is
/// the one of the [specification]: `otel.exporter.otlp.endpoint` is `OTEL_EXPORTER_OTLP_ENDPOINT`.
///
/// [specification]: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
#[derive(Debug, Clone, Config)]
#[config(section = "otel", check = OtelConfig::check)]
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
    pub metrics: MetricsConfig,
    /// Logs.
    #[config(nested)]
    pub logs: LogsConfig,
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
    /// Whether an address without `http://` or `https://` is spoken to without TLS.
    #[config(default = false)]
    pub insecure: bool,
    /// File with the authorities that the collector's certificate has to come from, in PEM form. By
    /// default those are believed that this machine believes.
    pub certificate: Option<PathBuf>,
    /// File with a certificate to show to the collector, in PEM form.
    pub client_certificate: Option<PathBuf>,
    /// File with its key, in PEM form.
    pub client_key: Option<PathBuf>,
    /// Headers of each request: `api-key=secret,tenant=a`. Values are percent-encoded.
    #[validate(custom(
        function = are_headers,
        message = "must be name=value,name=value, whose names and values a header can have"
    ))]
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
    /// Whether an address without `http://` or `https://` is spoken to without TLS.
    pub insecure: Option<bool>,
    /// The authorities of the collector's certificate.
    pub certificate: Option<PathBuf>,
    /// The certificate that the collector is shown.
    pub client_certificate: Option<PathBuf>,
    /// Its key.
    pub client_key: Option<PathBuf>,
    /// Headers of each request.
    #[validate(custom(
        function = are_headers,
        message = "must be name=value,name=value, whose names and values a header can have"
    ))]
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
    pub exporter: Option<TracesExporter>,
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

/// Whether metrics are sent.
#[derive(Debug, Clone, Config)]
pub struct MetricsConfig {
    /// `otlp`, `prometheus` or both, or `none`. `/metrics` is there in any case. As there is an
    /// endpoint, if it is not set.
    pub exporter: Option<MetricsExporter>,
}

/// Whether log records are sent.
#[derive(Debug, Clone, Config)]
pub struct LogsConfig {
    /// `otlp`, `console` or both, or `none`. The lines on stdout are there in any case. As there is
    /// an endpoint, if it is not set.
    pub exporter: Option<LogsExporter>,
}

/// A queue, and the batches that leave it.
#[derive(Debug, Clone, Config)]
pub struct BatchConfig {
    /// How long a batch waits to become full. A number alone is in milliseconds.
    #[config(default = "5s")]
    pub schedule_delay: Millis,
    /// How long a batch may take, if that is less than the timeout of the exporter. A number alone
    /// is in milliseconds.
    #[config(default = "30s")]
    pub export_timeout: Millis,
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
    /// How long a report may take, if that is less than the timeout of the exporter. A number alone
    /// is in milliseconds.
    #[config(default = "30s")]
    pub export_timeout: Millis,
}

/// Where one signal is sent, and how.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) endpoint: String,
    pub(super) protocol: Protocol,
    pub(super) headers: HeaderMap,
    pub(super) tls: Option<ClientTlsConfig>,
    pub(super) timeout: Duration,
    pub(super) compression: Compression,
}

// === impl OtelConfig ===

impl OtelConfig {
    /// Where a signal is sent, if it is.
    pub(super) fn target(&self, signal: Signal) -> Option<Target> {
        let (all, exporter) = (&self.exporter.otlp, self.exporter(signal));
        let own = all.of(signal);
        if self.sdk.disabled || exporter == Some(Exporter::None) {
            return None;
        }
        let protocol = own.protocol.unwrap_or(all.protocol);
        let insecure = own.insecure.unwrap_or(all.insecure);
        let endpoint = match (&own.endpoint, &all.endpoint) {
            (Some(own), _) => own.url(insecure),
            (None, Some(all)) => all.of(signal.name(), protocol, insecure),
            // Who asks for it by name gets it where the specification says that it is.
            (None, None) if exporter.is_some() => {
                Endpoint::local(protocol).of(signal.name(), protocol, insecure)
            }
            (None, None) => return None,
        };
        let most = match signal {
            Signal::Traces => self.bsp.export_timeout,
            Signal::Metrics => self.metric.export_timeout,
            Signal::Logs => self.blrp.export_timeout,
        };
        let given = own.headers.as_ref().or(all.headers.as_ref());
        Some(Target {
            headers: given.and_then(headers).unwrap_or_default(),
            tls: endpoint.starts_with("https:").then(|| all.tls(own)),
            endpoint,
            protocol,
            timeout: own.timeout.unwrap_or(all.timeout).duration().min(most.duration()),
            compression: own.compression.unwrap_or(all.compression),
        })
    }

    /// Finds files for TLS that nothing is sent with: whoever set them does not expect that traces,
    /// metrics and logs go in the clear.
    fn check(&self) -> Result<(), Conflict> {
        let all = &self.exporter.otlp;
        let sent: Vec<_> = Signal::ALL
            .into_iter()
            .filter_map(|signal| Some((signal, self.target(signal)?.tls.is_some())))
            .collect();
        let in_the_clear = |signal, file| {
            let own = all.of(signal).endpoint.is_some();
            let endpoint = if own { fields(signal)[0] } else { "exporter.otlp.endpoint" };
            let why = "the file is for TLS, and the collector is spoken to without";
            let fix = "write https:// before the address, or remove the file";
            Err(Conflict::between([endpoint, file], why, fix))
        };
        for &(signal, has_tls) in &sent {
            let (own, [_, files @ ..]) = (all.of(signal), fields(signal));
            let set = [&own.certificate, &own.client_certificate, &own.client_key];
            if let (false, Some(file)) = (has_tls, first(files, set)) {
                return in_the_clear(signal, file);
            }
        }
        let files = [
            "exporter.otlp.certificate",
            "exporter.otlp.client_certificate",
            "exporter.otlp.client_key",
        ];
        let set = [&all.certificate, &all.client_certificate, &all.client_key];
        match first(files, set) {
            Some(file) if !sent.is_empty() && !sent.iter().any(|(_, has_tls)| *has_tls) => {
                in_the_clear(sent[0].0, file)
            }
            _ => Ok(()),
        }
    }

    /// Whether spans are made.
    pub(super) fn traces(&self) -> bool {
        !self.sdk.disabled
            && (self.exporter(Signal::Traces).is_some() || self.target(Signal::Traces).is_some())
    }

    fn exporter(&self, signal: Signal) -> Option<Exporter> {
        match signal {
            Signal::Traces => self.traces.exporter.map(|TracesExporter(exporter)| exporter),
            Signal::Metrics => self.metrics.exporter.map(|MetricsExporter(exporter)| exporter),
            Signal::Logs => self.logs.exporter.map(|LogsExporter(exporter)| exporter),
        }
    }
}

// === impl OtlpConfig ===

impl OtlpConfig {
    /// What is different for a signal.
    fn of(&self, signal: Signal) -> &SignalConfig {
        match signal {
            Signal::Traces => &self.traces,
            Signal::Metrics => &self.metrics,
            Signal::Logs => &self.logs,
        }
    }

    /// Whom a signal believes, and what it shows.
    fn tls(&self, own: &SignalConfig) -> ClientTlsConfig {
        let ca = own.certificate.as_ref().or(self.certificate.as_ref());
        let has_own = own.client_certificate.is_some() || own.client_key.is_some();
        let (cert, key) = if has_own {
            (&own.client_certificate, &own.client_key)
        } else {
            (&self.client_certificate, &self.client_key)
        };
        ClientTlsConfig {
            system_roots: ca.is_none(),
            ca: ca.cloned(),
            cert: cert.clone(),
            key: key.clone(),
        }
    }
}

/// Address, authorities, certificate and key of one signal, as the section calls them.
fn fields(signal: Signal) -> [&'static str; 4] {
    match signal {
        Signal::Traces => [
            "exporter.otlp.traces.endpoint",
            "exporter.otlp.traces.certificate",
            "exporter.otlp.traces.client_certificate",
            "exporter.otlp.traces.client_key",
        ],
        Signal::Metrics => [
            "exporter.otlp.metrics.endpoint",
            "exporter.otlp.metrics.certificate",
            "exporter.otlp.metrics.client_certificate",
            "exporter.otlp.metrics.client_key",
        ],
        Signal::Logs => [
            "exporter.otlp.logs.endpoint",
            "exporter.otlp.logs.certificate",
            "exporter.otlp.logs.client_certificate",
            "exporter.otlp.logs.client_key",
        ],
    }
}

/// The first of these fields that has a file.
fn first(fields: [&'static str; 3], files: [&Option<PathBuf>; 3]) -> Option<&'static str> {
    fields.into_iter().zip(files).find_map(|(field, file)| file.as_ref().map(|_| field))
}

fn are_headers(text: &Secret<String>) -> Result<(), &'static str> {
    headers(text).map(drop).ok_or("no headers")
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
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/collector.crt"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "10"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "300"),
            ("OTEL_METRIC_EXPORT_TIMEOUT", "400"),
        ]);
        assert_eq!(config.service_name.as_deref(), Some("billing"));
        let attributes: Vec<_> = config.resource_attributes.iter().collect();
        assert_eq!(attributes, [("team", "orders"), ("note", "a b")]);
        let traces = config.target(Signal::Traces).unwrap();
        assert_eq!(traces.endpoint, "https://traces:4317");
        let ca = Some("/collector.crt".into());
        assert_eq!(
            traces.tls,
            Some(ClientTlsConfig { system_roots: false, ca, ..ClientTlsConfig::default() })
        );
        assert_eq!((traces.protocol, traces.compression), (Protocol::Grpc, Compression::None));
        assert_eq!((traces.headers.len(), &traces.headers["other"]), (1, &"1".parse().unwrap()));
        assert_eq!(traces.timeout, Duration::from_secs(1));
        let metrics = config.target(Signal::Metrics).unwrap();
        assert_eq!(metrics.endpoint, "http://collector:4318/v1/metrics");
        assert_eq!(metrics.headers["api-key"], "s=ecret");
        assert!(metrics.headers["api-key"].is_sensitive() && metrics.tls.is_none());
        assert_eq!(metrics.timeout, Duration::from_millis(400), "the shorter of two");
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
            ("OTEL_TRACES_EXPORTER", "console", "write otlp or none"),
            ("OTEL_METRICS_EXPORTER", "console", "write otlp, prometheus, both, or none"),
            ("OTEL_LOGS_EXPORTER", "otlp,none", "write otlp, console, both, or none"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "0", "must be from 1ms to 24h"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1000000000d", "must be from 1ms to 24h"),
            ("OTEL_BSP_SCHEDULE_DELAY", "0", "must be from 1ms to 24h"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "0s", "must be from 1ms to 24h"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "25h", "must be from 1ms to 24h"),
            ("OTEL_PROPAGATORS", "tracecontext,b3", "`b3` is not known here"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team", "write name=value,name=value"),
        ] {
            let problem = problem(name, value);
            assert!(problem.contains(said), "{name}={value}: {problem}");
        }
    }

    #[test]
    fn a_signal_may_have_several_exporters() {
        for (name, value, sent) in [
            ("OTEL_METRICS_EXPORTER", "prometheus", false),
            ("OTEL_METRICS_EXPORTER", "otlp, prometheus", true),
            ("OTEL_METRICS_EXPORTER", "none", false),
            ("OTEL_METRICS_EXPORTER", "otlp", true),
            ("OTEL_LOGS_EXPORTER", "console", false),
            ("OTEL_LOGS_EXPORTER", "otlp,console", true),
        ] {
            let config = read(&[(name, value), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")]);
            let signal = if name.contains("LOGS") { Signal::Logs } else { Signal::Metrics };
            assert_eq!(config.target(signal).is_some(), sent, "{name}={value}");
            assert!(config.target(Signal::Traces).is_some());
        }
    }

    #[test]
    fn headers_that_cannot_be_sent_are_refused_and_not_shown() {
        for value in ["hunter2", "api-key=hunter2,hunter2", "api key=hunter2", "api-key=hunter2%0A"]
        {
            for name in ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_LOGS_HEADERS"] {
                let problem = problem(name, value);
                assert!(problem.contains("must be name=value,name=value"), "{problem}");
                assert!(problem.contains(name) && !problem.contains("hunter2"), "{problem}");
            }
        }
    }

    #[test]
    fn a_certificate_of_one_signal_goes_with_its_own_key() {
        let config = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318"),
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/all.crt"),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/all.key"),
            ("OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE", "/logs.crt"),
        ]);
        let shown = |signal| config.target(signal).unwrap().tls.map(|tls| (tls.cert, tls.key));
        let all = (Some("/all.crt".into()), Some("/all.key".into()));
        assert_eq!(shown(Signal::Traces), Some(all));
        assert_eq!(shown(Signal::Logs), Some((Some("/logs.crt".into()), None)));
    }

    #[test]
    fn files_for_tls_are_not_ignored() {
        const PLAIN: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        let said = |variables: &[(&'static str, &'static str)]| {
            let section = Section::of::<OtelConfig>("otel", None);
            let inputs = Inputs::of_variables(variables.iter().copied());
            let (settings, _) = Settings::load(inputs, std::slice::from_ref(&section));
            settings.check().iter().map(ToString::to_string).collect::<String>()
        };
        assert_eq!(
            said(&[PLAIN, ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/collector.crt")]),
            "\
`otel.exporter.otlp.endpoint` and `otel.exporter.otlp.certificate` do not go together: the file is for TLS, and the collector is spoken to without
  set        otel.exporter.otlp.endpoint = http://collector:4318 (env OTEL_EXPORTER_OTLP_ENDPOINT)
  set        otel.exporter.otlp.certificate = /collector.crt (env OTEL_EXPORTER_OTLP_CERTIFICATE)
  fix        write https:// before the address, or remove the file"
        );
        for name in [
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY",
        ] {
            let said = said(&[PLAIN, (name, "/file.pem")]);
            assert!(said.contains(&format!("/file.pem (env {name})")), "{name}: {said}");
        }
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:4318");
        let file = ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/traces.crt");
        let said_of_own = said(&[own, file]);
        assert!(said_of_own.contains("`otel.exporter.otlp.traces.endpoint` and"), "{said_of_own}");

        // Some of it is sent with TLS; it goes to nobody.
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces:4318");
        let file = ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/collector.crt");
        assert_eq!(said(&[PLAIN, traces, file]), "");
        assert_eq!(said(&[PLAIN, file, ("OTEL_SDK_DISABLED", "true")]), "");
        assert_eq!(said(&[file]), "");
    }

    #[test]
    fn an_address_without_a_scheme_is_for_tls_unless_it_is_said() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317");
        let config = read(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
        let traces = config.target(Signal::Traces).unwrap();
        assert_eq!(traces.endpoint, "https://collector:4317");
        assert_eq!(traces.tls, Some(ClientTlsConfig::default()));
        let config = read(&[
            endpoint,
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
        ]);
        let traces = config.target(Signal::Traces).unwrap();
        assert_eq!((&*traces.endpoint, traces.tls), ("http://collector:4317", None));
    }

    #[test]
    fn the_book_names_every_variable_and_no_other() {
        const PAGE: &str = include_str!("../../../../docs/book/telemetry.md");
        let section = Section::of::<OtelConfig>("otel", None);
        let known: BTreeSet<&str> =
            section.leaves().iter().flat_map(|leaf| leaf.variables()).map(String::as_str).collect();
        let words = PAGE.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        let named: BTreeSet<_> = words.filter(|word| word.starts_with("OTEL_")).collect();
        assert_eq!(named.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new());
        let signal = ["_OTLP_TRACES_", "_OTLP_METRICS_", "_OTLP_LOGS_"];
        let of_one_signal = |name: &str| signal.iter().any(|signal| name.contains(signal));
        let missing = known.difference(&named).filter(|name| !of_one_signal(name));
        assert_eq!(missing.collect::<Vec<_>>(), [&"OTEL_ENABLED"]);
    }
}
