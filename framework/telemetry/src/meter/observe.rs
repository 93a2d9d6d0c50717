//! Instruments that are read when somebody looks, instead of being written all the time.

use opentelemetry::metrics::AsyncInstrument;
use purlin_core::meter::{Meter, Metric};

type Observer<'a> = dyn AsyncInstrument<f64> + 'a;

/// Calls `read` at each collection. The instrument lives as long as its provider.
pub(crate) fn observe_gauge(
    meter: &Meter,
    metric: &Metric,
    read: impl Fn(&Observer<'_>) + Send + Sync + 'static,
) {
    let builder = meter.otel().f64_observable_gauge(metric.name).with_description(metric.help);
    builder.with_unit(metric.unit).with_callback(move |observer| read(observer)).build();
}

/// Calls `read` at each collection, for a sum that something else keeps.
pub(crate) fn observe_counter(
    meter: &Meter,
    metric: &Metric,
    read: impl Fn(&Observer<'_>) + Send + Sync + 'static,
) {
    let builder = meter.otel().f64_observable_counter(metric.name).with_description(metric.help);
    builder.with_unit(metric.unit).with_callback(move |observer| read(observer)).build();
}
