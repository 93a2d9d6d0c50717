//! Metrics: OpenTelemetry instruments, exposed as text for Prometheus.
//!
//! Names and labels are what the [`Metric`](purlin_core::meter::Metric) declares: no suffix is
//! added for units or counters, no `otel_scope_*` label, and no `target_info`, because what a target
//! is Prometheus knows by itself and [`BUILD_INFO`](crate::metrics::BUILD_INFO) says the rest.
//! Exemplars are not written: the OpenTelemetry SDK for Rust fills none yet.
//!
//! One instrument keeps at most 2000 series. What comes beyond is counted in one with the label
//! `otel_metric_overflow`, which [`undeclared`] reports.

mod cardinality;
mod lifecycle;
#[cfg(target_os = "linux")]
mod process;
mod runtime;
mod totals;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::{MeterProviderBuilder, SdkMeterProvider};
use prometheus::{Registry, TextEncoder};
use purlin_core::{
    error::{Context as _, Result},
    meter::{Exposition, Meter},
};

pub use self::cardinality::undeclared;
pub(crate) use self::lifecycle::Lifecycle;

/// The metrics of one application.
///
/// ```
/// use purlin_core::meter::{Exposition as _, Kind, Metric, label};
/// use purlin_telemetry::meter::Metrics;
///
/// const MAILS: Metric = Metric {
///     name: "mail_sent_total",
///     help: "Mails that were sent.",
///     kind: Kind::Counter,
///     unit: "",
///     labels: &["outcome"],
/// };
///
/// let metrics = Metrics::new().unwrap();
/// metrics.meter().counter(&MAILS).add(2, &[label("outcome", "ok")]);
/// let text = metrics.text().unwrap();
/// assert!(text.contains("# HELP mail_sent_total Mails that were sent."));
/// assert!(text.contains("mail_sent_total{outcome=\"ok\"} 2\n"));
/// ```
#[derive(Debug)]
pub struct Metrics {
    provider: SdkMeterProvider,
    registry: Registry,
}

// === impl Metrics ===

impl Metrics {
    /// Metrics without an instrument.
    ///
    /// # Errors
    /// When the exporter cannot be set up.
    pub fn new() -> Result<Self> {
        Self::with(MeterProviderBuilder::build)
    }

    /// Metrics of a provider that `build` may add further readers to.
    pub(crate) fn with(
        build: impl FnOnce(MeterProviderBuilder) -> SdkMeterProvider,
    ) -> Result<Self> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_units()
            .without_counter_suffixes()
            .without_target_info()
            .scope_info_enabled(false)
            .build()
            .context("set up the Prometheus exporter")?;
        let builder = SdkMeterProvider::builder().with_reader(exporter);
        Ok(Self { provider: build(builder), registry })
    }

    /// The meter that makes instruments.
    pub fn meter(&self) -> Meter {
        Meter::from_otel(self.provider.meter("purlin"))
    }

    /// Adds what there is to know of the process and of the runtime that this is called in.
    pub(crate) fn observe_process(&self) {
        let meter = self.meter();
        runtime::observe(&meter, tokio::runtime::Handle::current().metrics());
        #[cfg(target_os = "linux")]
        process::observe(&meter);
    }
}

impl Exposition for Metrics {
    fn text(&self) -> Result<String> {
        let families = self.registry.gather();
        TextEncoder::new().encode_to_string(&families).context("write the metrics as text")
    }

    fn json(&self) -> Result<String> {
        let totals = totals::totals(&self.registry.gather());
        serde_json::to_string(&totals).context("write the metrics as JSON")
    }
}

#[cfg(test)]
mod tests {
    use purlin_core::meter::{Kind, Metric, label};

    use super::*;
    use crate::metrics;

    #[test]
    fn units_and_kinds_change_no_name() {
        let metrics = Metrics::new().unwrap();
        let latency = Metric {
            name: "mail_latency_seconds",
            help: "How long a mail took.",
            kind: Kind::Histogram,
            unit: "s",
            labels: &["server"],
        };
        metrics.meter().histogram(&latency).record(0.3, &[label("server", "a\"b\\c")]);
        let text = metrics.text().unwrap();
        assert!(text.contains("# TYPE mail_latency_seconds histogram\n"), "{text}");
        assert!(
            text.contains("mail_latency_seconds_bucket{server=\"a\\\"b\\\\c\",le=\"0.5\"} 1\n"),
            "{text}"
        );
        assert_eq!(undeclared(&text, &[latency]), Vec::<String>::new());
    }

    #[tokio::test]
    async fn the_process_has_figures() {
        let metrics = Metrics::new().unwrap();
        metrics.observe_process();
        let text = metrics.text().unwrap();
        let value = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
            let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
            line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_start_time_seconds") > 1.7e9);
        assert_eq!(value("tokio_workers"), 1.0);
        assert_eq!(undeclared(&text, metrics::ALL), Vec::<String>::new());
    }
}
