//! Metrics: declared once, recorded through OpenTelemetry instruments.

use std::fmt;

use opentelemetry::metrics::{Meter as OtelMeter, MeterProvider as _, noop::NoopMeterProvider};

pub use opentelemetry::{
    KeyValue, Value,
    metrics::{AsyncInstrument, Counter, Gauge, Histogram, UpDownCounter},
};

use crate::{error::Result, needs::Handle};

/// The declaration of a metric. Every metric has one, in its crate's `metrics.rs`: dashboards,
/// alerts and the documentation are made from it. They are declared by
/// [`metrics!`](crate::metrics!).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The name as it appears at `/metrics`, with the unit and, for a counter, `_total`.
    pub name: &'static str,
    /// What it counts, in a sentence.
    pub help: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The unit in UCUM (`s`, `By`), or empty.
    pub unit: &'static str,
    /// The labels. Their values are bounded: route templates, never raw paths.
    pub labels: &'static [&'static str],
}

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only rises.
    Counter,
    /// It rises and falls.
    UpDownCounter,
    /// The latest value counts.
    Gauge,
    /// The distribution counts; in seconds, with buckets from 0.5 ms to 10 s.
    Histogram,
}

/// Declares [metrics](Metric), as constants and as the list `ALL`.
///
/// Each is written as its constant, its kind, its name as it appears at `/metrics`, its labels, its
/// unit (in UCUM: `s`, `By`, or empty) and its help. What else is to be said of it is said in
/// comments of documentation.
///
/// ```
/// # extern crate purlin_core as purlin;
/// # mod mail {
/// use purlin::meter::{Meter, label};
///
/// purlin::metrics! {
///     /// `outcome` is `sent`, `refused` or `failed`.
///     MAILS = Counter "mail_sent_total" ["outcome"] "":
///         "Mails that were handed to the server, by what came of it.";
///     WAITING = Gauge "mail_waiting" [] "":
///         "Mails that wait.";
/// }
///
/// fn example(meter: &Meter) {
///     let mails = meter.counter(&MAILS);
///     mails.add(1, &[label("outcome", "sent")]);
///     meter.observe(&WAITING, |observer| observer.observe(3.0, &[]));
/// }
/// # }
/// # fn main() { assert_eq!(mail::ALL[0].name, "mail_sent_total"); }
/// ```
#[macro_export]
macro_rules! metrics {
    ($(
        $(#[$attribute:meta])*
        $constant:ident = $kind:ident $name:literal [$($label:literal),* $(,)?] $unit:literal: $help:literal;
    )*) => {
        $(
            #[doc = $help]
            #[doc = ""]
            $(#[$attribute])*
            pub const $constant: $crate::meter::Metric = $crate::meter::Metric {
                name: $name,
                help: $help,
                kind: $crate::meter::Kind::$kind,
                unit: $unit,
                labels: &[$($label),*],
            };
        )*

        /// All of them.
        pub const ALL: &[$crate::meter::Metric] = &[$($constant),*];
    };
}

/// Makes instruments for declared metrics. A built-in need; cheap to clone.
///
/// Without telemetry it records nothing. The instruments are OpenTelemetry's own, and are named here:
/// [`Counter`], [`UpDownCounter`], [`Gauge`], [`Histogram`].
#[derive(Clone)]
pub struct Meter(OtelMeter);

/// What has been measured, for whoever asks for it: the admin server does for `/metrics`.
///
/// Telemetry gives one, as `Arc<dyn Exposition>`.
pub trait Exposition: Send + Sync + 'static {
    /// All metrics, in the text format of Prometheus.
    ///
    /// # Errors
    /// When they cannot be written as such.
    ///
    /// Source: [text-based format, version 0.0.4](https://prometheus.io/docs/instrumenting/exposition_formats/).
    fn text(&self) -> Result<String>;

    /// Each metric as one number over all its labels, as an object of JSON: for who has no
    /// Prometheus.
    ///
    /// Figures are added up; of a moment (`.._last_..`), the latest counts. A counter
    /// `.._failed_total` is called `.._failed`. A histogram `.._seconds` is `.._ns`, all of it
    /// together in nanoseconds, and `.._seconds_count`.
    ///
    /// # Errors
    /// When they cannot be written as such.
    fn json(&self) -> Result<String>;
}

/// The bounds of a histogram of seconds.
pub const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A label and its value.
pub fn label(name: &'static str, value: impl Into<Value>) -> KeyValue {
    KeyValue::new(name, value)
}

// === impl Meter ===

impl Meter {
    /// A meter that records nothing.
    pub fn noop() -> Self {
        Self(NoopMeterProvider::new().meter("purlin"))
    }

    /// A meter of an OpenTelemetry provider.
    pub fn from_otel(meter: OtelMeter) -> Self {
        Self(meter)
    }

    /// The OpenTelemetry meter, for instruments that are not declared as a [`Metric`].
    pub fn otel(&self) -> &OtelMeter {
        &self.0
    }

    /// A counter of whole things.
    pub fn counter(&self, metric: &Metric) -> Counter<u64> {
        let builder = self.0.u64_counter(metric.name).with_description(metric.help);
        builder.with_unit(metric.unit).build()
    }

    /// A counter of parts, such as seconds.
    pub fn counter_f64(&self, metric: &Metric) -> Counter<f64> {
        let builder = self.0.f64_counter(metric.name).with_description(metric.help);
        builder.with_unit(metric.unit).build()
    }

    /// A counter that also falls.
    pub fn up_down_counter(&self, metric: &Metric) -> UpDownCounter<i64> {
        let builder = self.0.i64_up_down_counter(metric.name).with_description(metric.help);
        builder.with_unit(metric.unit).build()
    }

    /// A gauge of whole things.
    pub fn gauge(&self, metric: &Metric) -> Gauge<i64> {
        let builder = self.0.i64_gauge(metric.name).with_description(metric.help);
        builder.with_unit(metric.unit).build()
    }

    /// A gauge of parts.
    pub fn gauge_f64(&self, metric: &Metric) -> Gauge<f64> {
        let builder = self.0.f64_gauge(metric.name).with_description(metric.help);
        builder.with_unit(metric.unit).build()
    }

    /// Calls `read` whenever metrics are collected, for what is counted elsewhere. It costs nothing
    /// in between.
    ///
    /// It is called for as long as the meter lives: hold what it reads weakly where that may be gone
    /// before.
    ///
    /// # Panics
    /// When the metric is a histogram, which cannot be read.
    pub fn observe(
        &self,
        metric: &Metric,
        read: impl Fn(&dyn AsyncInstrument<f64>) + Send + Sync + 'static,
    ) {
        macro_rules! build {
            ($instrument:ident) => {{
                let builder = self.0.$instrument(metric.name).with_description(metric.help);
                // The meter keeps the callback; the instrument is only a name for it.
                let _ = builder
                    .with_unit(metric.unit)
                    .with_callback(move |observer| read(observer))
                    .build();
            }};
        }
        match metric.kind {
            Kind::Counter => build!(f64_observable_counter),
            Kind::UpDownCounter => build!(f64_observable_up_down_counter),
            Kind::Gauge => build!(f64_observable_gauge),
            Kind::Histogram => panic!("`{}` is a histogram, which cannot be read", metric.name),
        }
    }

    /// A histogram of seconds, with the bounds [`SECONDS`].
    pub fn histogram(&self, metric: &Metric) -> Histogram<f64> {
        let builder = self.0.f64_histogram(metric.name).with_description(metric.help);
        builder.with_unit(metric.unit).with_boundaries(SECONDS.to_vec()).build()
    }
}

impl Handle for Meter {}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meter")
    }
}
