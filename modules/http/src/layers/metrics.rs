//! Duration and number of requests, by method, route and status.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{extract::Request, response::Response};
use pin_project_lite::pin_project;
use purlin::clock::{Clock, Instant};
use tower::{Layer, Service};

use super::{
    access_log::CLIENT_CLOSED_REQUEST,
    label::{self, Label},
};
use crate::metrics::Instruments;

/// Measures each request until the head of its answer is known.
#[derive(Clone)]
pub(super) struct Measure {
    on: bool,
    clock: Clock,
    label: Label,
    instruments: Instruments,
}

#[derive(Clone)]
pub(super) struct Measured<S> {
    inner: S,
    layer: Measure,
}

pin_project! {
    pub(super) struct MeasuredFuture<F> {
        #[pin]
        inner: F,
        sample: Option<Sample>,
    }
}

/// A measurement that is taken when it is dropped, also if that is because the caller is gone.
struct Sample {
    clock: Clock,
    since: Instant,
    method: &'static str,
    route: Arc<str>,
    status: u16,
    instruments: Instruments,
}

// === impl Measure ===

impl Measure {
    pub(super) fn new(on: bool, clock: Clock, label: Label, instruments: Instruments) -> Self {
        Self { on, clock, label, instruments }
    }

    fn begin(&self, request: &Request) -> Sample {
        self.instruments.enter();
        Sample {
            clock: self.clock.clone(),
            since: self.clock.now(),
            method: label::method(request.method()),
            route: self.label.of(request),
            status: CLIENT_CLOSED_REQUEST,
            instruments: self.instruments.clone(),
        }
    }
}

impl<S> Layer<S> for Measure {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Measured<S> {
        Measured { inner, layer: self.clone() }
    }
}

// === impl Measured ===

impl<S: Service<Request, Response = Response>> Service<Request> for Measured<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = MeasuredFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let sample = self.layer.on.then(|| self.layer.begin(&request));
        MeasuredFuture { inner: self.inner.call(request), sample }
    }
}

impl<F, E> Future for MeasuredFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let outcome = ready!(this.inner.poll(cx));
        if let (Ok(response), Some(sample)) = (&outcome, this.sample) {
            sample.status = response.status().as_u16();
        }
        Poll::Ready(outcome)
    }
}

// === impl Sample ===

impl Drop for Sample {
    fn drop(&mut self) {
        let took = self.clock.now() - self.since;
        self.instruments.leave(self.method, self.route.clone(), self.status, took);
    }
}
