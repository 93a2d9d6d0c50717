use std::{fmt, sync::Arc, time::Duration};

use opentelemetry::{global, propagation::TextMapCompositePropagator};
use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    logs::SdkLoggerProvider,
    metrics::{MeterProviderBuilder, PeriodicReader, reader::MetricReader as _},
    trace::SdkTracerProvider,
};
use purlin_core::{
    clock::Clock,
    entropy::Entropy,
    error::Result,
    meter::{Meter, label},
};

use super::{
    OtelConfig, Signal,
    batch::{Gate, Watched},
    config::Target,
    delivery::{Delivery, Loss},
    exporters,
    ids::Ids,
    logs, spans,
    text::Propagators,
    told::Told,
};
use crate::{
    log::{BoxLayer, Levels, LoggerCx},
    metrics,
    outlet::Outlet,
    propagation,
};

/// What is sent by OTLP; each part of it may be off.
#[derive(Default)]
pub(super) struct OtlpOutlet {
    tracer: Option<(SdkTracerProvider, Levels)>,
    logger: Option<SdkLoggerProvider>,
    meter: Option<(PeriodicReader<Watched<MetricExporter>>, Resource)>,
    deliveries: Vec<(Signal, Arc<Delivery>)>,
    propagators: Option<Propagators>,
    /// Each signal that is sent, and where.
    shown: Vec<String>,
}

// === impl OtlpOutlet ===

impl OtlpOutlet {
    /// Sets up what the configuration asks for. Nothing is connected to yet.
    ///
    /// # Errors
    /// When an exporter cannot be set up: a certificate that cannot be used, none to trust.
    pub(super) fn new(
        config: &OtelConfig,
        resource: &Resource,
        clock: &Clock,
        entropy: &Entropy,
    ) -> Result<Self> {
        let propagators = Some(config.propagators);
        let (mut outlet, now) = (Self { propagators, ..Self::default() }, clock.system_now());
        if config.traces() {
            let mut tracer = SdkTracerProvider::builder()
                .with_resource(resource.clone())
                .with_sampler(spans::sampler(config))
                .with_id_generator(Ids(entropy.clone()));
            if let Some(target) = config.target(Signal::Traces) {
                let exporter = exporters::spans(&target, now)?;
                let watched = outlet.watch(Signal::Traces, &target, exporter, clock);
                tracer = tracer.with_span_processor(Gate::spans(watched, &config.bsp));
            }
            outlet.tracer = Some((tracer.build(), config.traces.level.clone()));
        }
        if let Some(target) = config.target(Signal::Metrics) {
            let exporter = exporters::metrics(&target, now)?;
            let watched = outlet.watch(Signal::Metrics, &target, exporter, clock);
            let interval = config.metric.export_interval.duration();
            let reader = PeriodicReader::builder(watched).with_interval(interval).build();
            outlet.meter = Some((reader, resource.clone()));
        }
        if let Some(target) = config.target(Signal::Logs) {
            let exporter = exporters::logs(&target, now)?;
            let watched = outlet.watch(Signal::Logs, &target, exporter, clock);
            let logger = SdkLoggerProvider::builder()
                .with_resource(resource.clone())
                .with_log_processor(Gate::logs(watched, &config.blrp));
            outlet.logger = Some(logger.build());
        }
        Ok(outlet)
    }

    fn watch<E>(
        &mut self,
        signal: Signal,
        target: &Target,
        exporter: E,
        clock: &Clock,
    ) -> Watched<E> {
        let delivery = Arc::new(Delivery::default());
        self.deliveries.push((signal, delivery.clone()));
        let (name, endpoint) = (signal.name(), &target.endpoint);
        self.shown.push(format!("{name} → {endpoint} ({})", target.protocol.name()));
        Watched::new(exporter, delivery, Told::new(signal, endpoint.clone(), clock.clone()))
    }

    /// What the start report says of it.
    pub(super) fn detail(&self) -> String {
        match (self.shown.is_empty(), &self.tracer) {
            (true, None) => "off: otel.exporter.otlp.endpoint is not set".to_owned(),
            (true, Some(_)) => "traces have identifiers, and are not sent".to_owned(),
            (false, _) => self.shown.join(", "),
        }
    }

    /// Whether there is anything to flush.
    pub(super) fn sends(&self) -> bool {
        !self.deliveries.is_empty()
    }

    /// Sends what waits: metrics last, so that they say what was lost of the others. Returns what is
    /// to be told, if something was not delivered, now or before.
    pub(super) async fn flush(self: Arc<Self>, clock: &Clock, limit: Duration) -> Option<String> {
        let deadline = clock.now() + limit;
        let mut late = Vec::new();
        for signal in [Signal::Traces, Signal::Logs, Signal::Metrics] {
            let (outlet, left) = (self.clone(), deadline.since(clock.now()));
            // The SDK waits by blocking a thread, and not always for as long as it is told.
            let ending = tokio::task::spawn_blocking(move || outlet.end(signal, left));
            if clock.timeout(left, ending).await.is_err() {
                late.push(signal.name());
            }
        }
        let mut told = Vec::new();
        if !late.is_empty() {
            told.push(format!(
                "the collector gave no answer about {} in {limit:?}",
                late.join(", ")
            ));
        }
        let lost = self.lost();
        if !lost.is_empty() {
            told.push(format!("telemetry was lost: {}", lost.join(", ")));
        }
        (!told.is_empty()).then(|| told.join("; "))
    }

    fn end(&self, signal: Signal, limit: Duration) -> OTelSdkResult {
        match signal {
            Signal::Traces => self.tracer.as_ref().map(|(it, _)| it.shutdown_with_timeout(limit)),
            Signal::Metrics => self.meter.as_ref().map(|(it, _)| it.shutdown_with_timeout(limit)),
            Signal::Logs => self.logger.as_ref().map(|it| it.shutdown_with_timeout(limit)),
        }
        .unwrap_or(Ok(()))
    }

    /// What was lost in the whole life of the application, in words.
    fn lost(&self) -> Vec<String> {
        let lost = self
            .deliveries
            .iter()
            .map(|(signal, delivery)| (*signal, delivery.close(), delivery.failures()));
        lost.filter_map(|(signal, lost, failures)| match signal {
            Signal::Traces if lost > 0 => Some(format!("{lost} spans")),
            Signal::Logs if lost > 0 => Some(format!("{lost} log records")),
            Signal::Metrics if failures > 0 => Some(format!("{failures} reports of metrics")),
            _ => None,
        })
        .collect()
    }
}

impl Outlet for OtlpOutlet {
    fn spans(&self) -> Option<BoxLayer> {
        let (tracer, levels) = self.tracer.as_ref()?;
        // Libraries that speak OpenTelemetry themselves find it there.
        global::set_tracer_provider(tracer.clone());
        Some(spans::layer(tracer, levels))
    }

    fn logs(&self, cx: LoggerCx) -> Option<BoxLayer> {
        self.logger.as_ref().map(|logger| logs::layer(logger, cx))
    }

    fn propagator(&self) -> TextMapCompositePropagator {
        let standard = Propagators { trace: true, baggage: true };
        let Propagators { trace, baggage } = self.propagators.unwrap_or(standard);
        propagation::propagator(trace, baggage)
    }

    fn metrics(&self, builder: MeterProviderBuilder) -> MeterProviderBuilder {
        match &self.meter {
            Some((reader, resource)) => {
                builder.with_resource(resource.clone()).with_reader(reader.clone())
            }
            None => builder,
        }
    }

    fn observe(&self, meter: &Meter) {
        let observed = self.deliveries.clone();
        meter.observe(&metrics::OTLP_DELIVERED, move |observer| {
            for (signal, delivery) in &observed {
                observer.observe(delivery.delivered() as f64, &[label("signal", signal.name())]);
            }
        });
        let observed = self.deliveries.clone();
        meter.observe(&metrics::OTLP_DROPPED, move |observer| {
            for (signal, delivery) in &observed {
                for loss in Loss::ALL {
                    let labels = [label("signal", signal.name()), label("reason", loss.name())];
                    observer.observe(delivery.of(loss) as f64, &labels);
                }
            }
        });
        let observed = self.deliveries.clone();
        meter.observe(&metrics::OTLP_FAILURES, move |observer| {
            for (signal, delivery) in &observed {
                observer.observe(delivery.failures() as f64, &[label("signal", signal.name())]);
            }
        });
    }
}

impl fmt::Debug for OtlpOutlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OtlpOutlet").field(&self.shown).finish()
    }
}
