use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry_sdk::metrics::{MeterProviderBuilder, SdkMeterProvider};
use purlin_core::meter::Meter;

use crate::{
    log::{BoxLayer, LoggerCx},
    propagation,
};

/// Where telemetry goes besides stdout and `/metrics`.
///
/// [`OtlpModule`](crate::otlp::OtlpModule) gives one, which sends to an OpenTelemetry collector.
/// [`TelemetryModule`](crate::TelemetryModule) puts it into the subscriber and the meter that it
/// installs; where there is none, or none of it is on, it costs nothing.
pub trait Outlet: Send + Sync + 'static {
    /// The layer that makes traces of spans. It has a filter of its own: the levels of the log say
    /// nothing about it.
    fn spans(&self) -> Option<BoxLayer> {
        None
    }

    /// The layer that sees every record which the levels of the log let through.
    fn logs(&self, _cx: LoggerCx) -> Option<BoxLayer> {
        None
    }

    /// How a trace comes into the process and leaves it: W3C trace context and baggage, unless it is
    /// said otherwise. It holds where no span is made, too.
    fn propagator(&self) -> TextMapCompositePropagator {
        propagation::propagator(true, true)
    }

    /// Builds the provider of metrics, with readers of its own.
    ///
    /// Who adds one that sends shuts the provider down when it is flushed: else the SDK does so where
    /// the last handle is dropped, and blocks that thread.
    fn metrics(&self, builder: MeterProviderBuilder) -> SdkMeterProvider {
        builder.build()
    }

    /// Observes how well it does.
    fn observe(&self, _meter: &Meter) {}
}
