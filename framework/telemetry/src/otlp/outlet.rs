use std::{
    fmt,
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use opentelemetry::{global, propagation::TextMapCompositePropagator};
use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    metrics::{MeterProviderBuilder, PeriodicReader, SdkMeterProvider},
    trace::SdkTracerProvider,
};
use purlin_core::{
    clock::Clock,
    entropy::Entropy,
    error::Result,
    meter::{Meter, label},
};
use tokio::sync::oneshot;

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
    /// Whose destructor would block the thread that drops the last handle: it is shut down before.
    provider: OnceLock<SdkMeterProvider>,
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
        // A collector that takes none of the others may take metrics.
        let others = if self.meter.is_some() { limit * 3 / 4 } else { limit };
        tokio::join!(
            self.end(Signal::Traces, clock, others),
            self.end(Signal::Logs, clock, others)
        );
        self.end(Signal::Metrics, clock, deadline.since(clock.now())).await;
        let told = |count: fn(&Delivery) -> u64| {
            let counts = self.deliveries.iter().map(|(signal, it)| (signal, count(it)));
            let counts = counts.filter(|(_, count)| *count > 0);
            counts.map(|(signal, count)| signal.counted(count)).collect::<Vec<_>>().join(", ")
        };
        let (lost, left) = (told(Delivery::lost), told(|delivery| delivery.of(Loss::Left)));
        match (lost.as_str(), left.as_str()) {
            ("", _) => None,
            (lost, "") => Some(format!("telemetry was lost: {lost}")),
            (lost, left) => Some(format!(
                "telemetry was lost: {lost}; the collector gave no answer in {limit:?} about {left}"
            )),
        }
    }

    /// Sends what waits of one signal, and counts what is not delivered within `limit`.
    async fn end(self: &Arc<Self>, signal: Signal, clock: &Clock, limit: Duration) {
        let Some((_, delivery)) = self.deliveries.iter().find(|(it, _)| *it == signal) else {
            return;
        };
        let (outlet, (done, ended)) = (self.clone(), oneshot::channel());
        // The SDK blocks, for metrics 5 s whatever it is told, and what blocks in a runtime may have
        // taken all of its threads.
        let ending = thread::Builder::new().name("purlin-otel-flush".to_owned()).spawn(move || {
            // What fails is told and counted by the exporter.
            let _ = match signal {
                Signal::Traces => {
                    outlet.tracer.as_ref().map(|(it, _)| it.shutdown_with_timeout(limit))
                }
                Signal::Metrics => outlet.provider.get().map(|it| it.shutdown_with_timeout(limit)),
                Signal::Logs => outlet.logger.as_ref().map(|it| it.shutdown_with_timeout(limit)),
            };
            let _ = done.send(());
        });
        let answered = ending.is_ok() && clock.timeout(limit, ended).await.is_ok();
        // What waits are records; a report is made only when it is sent.
        delivery.close(u64::from(signal == Signal::Metrics && !answered));
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

    fn metrics(&self, builder: MeterProviderBuilder) -> SdkMeterProvider {
        let Some((reader, resource)) = &self.meter else { return builder.build() };
        let builder = builder.with_resource(resource.clone()).with_reader(reader.clone());
        let provider = builder.build();
        let _ = self.provider.set(provider.clone());
        provider
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
