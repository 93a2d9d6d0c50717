//! The queues in front of the exporters.
//!
//! The processors of the SDK drop what finds no room, and count it where nobody can look. So the
//! places are counted here, in front of them: as many as their own queue has, so that it is never
//! full.

use std::{sync::Arc, time::Duration};

use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    logs::{BatchLogProcessor, LogBatch, LogExporter, LogProcessor, SdkLogRecord},
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
    trace::{BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor},
};

use super::{BatchConfig, delivery::Delivery, told::Told};

/// A processor that is handed no more than it has places for.
#[derive(Debug)]
pub(super) struct Gate<P> {
    inner: P,
    places: usize,
    delivery: Arc<Delivery>,
}

/// An exporter whose outcome is counted, and told when it is bad.
#[derive(Debug)]
pub(super) struct Watched<E> {
    inner: E,
    delivery: Arc<Delivery>,
    told: Told,
}

// === impl Gate ===

impl Gate<BatchSpanProcessor> {
    pub(super) fn spans(
        exporter: Watched<opentelemetry_otlp::SpanExporter>,
        config: &BatchConfig,
    ) -> Self {
        let delivery = exporter.delivery.clone();
        let batches = opentelemetry_sdk::trace::BatchConfigBuilder::default()
            .with_max_queue_size(config.max_queue_size)
            .with_max_export_batch_size(config.max_export_batch_size)
            .with_scheduled_delay(config.schedule_delay.duration())
            .build();
        let inner = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        Self { inner, places: config.max_queue_size, delivery }
    }
}

impl Gate<BatchLogProcessor> {
    pub(super) fn logs(
        exporter: Watched<opentelemetry_otlp::LogExporter>,
        config: &BatchConfig,
    ) -> Self {
        let delivery = exporter.delivery.clone();
        let batches = opentelemetry_sdk::logs::BatchConfigBuilder::default()
            .with_max_queue_size(config.max_queue_size)
            .with_max_export_batch_size(config.max_export_batch_size)
            .with_scheduled_delay(config.schedule_delay.duration())
            .build();
        let inner = BatchLogProcessor::builder(exporter).with_batch_config(batches).build();
        Self { inner, places: config.max_queue_size, delivery }
    }
}

impl<P: SpanProcessor> SpanProcessor for Gate<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.inner.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.delivery.enter(self.places) {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<P: LogProcessor> LogProcessor for Gate<P> {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if self.delivery.enter(self.places) {
            self.inner.emit(record, scope);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

// === impl Watched ===

impl<E> Watched<E> {
    pub(super) fn new(inner: E, delivery: Arc<Delivery>, told: Told) -> Self {
        Self { inner, delivery, told }
    }

    fn note(&self, batch: usize, outcome: OTelSdkResult) -> OTelSdkResult {
        if self.delivery.leave(batch, outcome.is_ok()) {
            self.told.note(outcome.as_ref().copied());
        }
        outcome
    }
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let length = batch.len();
        self.note(length, self.inner.export(batch).await)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<E: LogExporter> LogExporter for Watched<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let length = batch.iter().count();
        self.note(length, self.inner.export(batch).await)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Watched<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        // Reports wait for nothing but their turn.
        if !self.delivery.enter(usize::MAX) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        self.note(1, self.inner.export(metrics).await)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.inner.temporality()
    }
}
