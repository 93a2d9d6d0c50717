//! One line per request, with the target `purlin_http::access`.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{extract::Request, response::Response};
use http::{Method, Uri};
use pin_project_lite::pin_project;
use purlin::clock::{Clock, Instant};
use tower::{Layer, Service};

use super::label::Label;

/// Logs each request when its answer is known, or its caller is gone.
#[derive(Clone)]
pub(super) struct AccessLog {
    on: bool,
    clock: Clock,
    label: Label,
}

#[derive(Clone)]
pub(super) struct AccessLogged<S> {
    inner: S,
    layer: AccessLog,
}

pin_project! {
    pub(super) struct AccessLoggedFuture<F> {
        #[pin]
        inner: F,
        line: Option<Line>,
    }
}

/// A line that is written when it is dropped.
struct Line {
    clock: Clock,
    since: Instant,
    method: Method,
    uri: Uri,
    route: Arc<str>,
    status: u16,
}

/// The status in the log of a request whose caller did not wait for the answer; nginx's number.
pub(super) const CLIENT_CLOSED_REQUEST: u16 = 499;

// === impl AccessLog ===

impl AccessLog {
    pub(super) fn new(on: bool, clock: Clock, label: Label) -> Self {
        Self { on, clock, label }
    }
}

impl<S> Layer<S> for AccessLog {
    type Service = AccessLogged<S>;

    fn layer(&self, inner: S) -> AccessLogged<S> {
        AccessLogged { inner, layer: self.clone() }
    }
}

// === impl AccessLogged ===

impl<S: Service<Request, Response = Response>> Service<Request> for AccessLogged<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = AccessLoggedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let line = self.layer.on.then(|| Line {
            since: self.layer.clock.now(),
            clock: self.layer.clock.clone(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            route: self.layer.label.of(&request),
            status: CLIENT_CLOSED_REQUEST,
        });
        AccessLoggedFuture { inner: self.inner.call(request), line }
    }
}

impl<F, E> Future for AccessLoggedFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let outcome = ready!(this.inner.poll(cx));
        if let (Ok(response), Some(line)) = (&outcome, this.line) {
            line.status = response.status().as_u16();
        }
        Poll::Ready(outcome)
    }
}

// === impl Line ===

impl Drop for Line {
    fn drop(&mut self) {
        // The query stays out of the log: it is where callers put what is nobody's business.
        tracing::info!(
            target: "purlin_http::access",
            {
                http.request.method = self.method.as_str(),
                url.path = self.uri.path(),
                http.route = &*self.route,
                http.response.status_code = self.status,
                duration_ms = millis(self.clock.now() - self.since),
            },
            "request"
        );
    }
}

/// To the microsecond, which is as fine as it means anything.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
