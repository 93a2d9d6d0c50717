//! What is told of each request: a line of the log, with the target `purlin_http::access`, and its
//! duration, by method, route and status.

use std::{
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{body::HttpBody as _, extract::Request, response::Response};
use http::{Method, Uri};
use pin_project_lite::pin_project;
use purlin::clock::{Clock, Instant};
use tower::{Layer, Service};

use super::{
    client::Clients,
    label::{self, Label},
};
use crate::{config::LayersConfig, metrics::Instruments};

/// Accounts for each request when the head of its answer is known, or its caller is gone.
#[derive(Clone)]
pub(super) struct Account {
    log: bool,
    instruments: Option<Instruments>,
    clock: Clock,
    label: Label,
    clients: Clients,
}

#[derive(Clone)]
pub(super) struct Accounted<S> {
    inner: S,
    layer: Account,
}

pin_project! {
    pub(super) struct AccountedFuture<F> {
        #[pin]
        inner: F,
        entry: Option<Entry>,
    }
}

/// A request so far. It is accounted for when this is dropped.
struct Entry {
    clock: Clock,
    since: Instant,
    method: Method,
    route: Arc<str>,
    status: u16,
    line: Option<Line>,
    instruments: Option<Instruments>,
}

/// What the log alone says.
struct Line {
    uri: Uri,
    client: Option<IpAddr>,
    /// The size of the answer's body, where it is known beforehand.
    size: Option<u64>,
}

/// The status of a request whose caller did not wait for the answer; nginx's number.
const CLIENT_CLOSED_REQUEST: u16 = 499;

// === impl Account ===

impl Account {
    pub(super) fn new(
        on: &LayersConfig,
        clock: Clock,
        label: Label,
        clients: &Clients,
        instruments: &Instruments,
    ) -> Self {
        let instruments = on.metrics.then(|| instruments.clone());
        Self { log: on.access_log, instruments, clock, label, clients: clients.clone() }
    }

    fn begin(&self, request: &Request) -> Option<Entry> {
        if !self.log && self.instruments.is_none() {
            return None;
        }
        let instruments = self.instruments.clone().inspect(Instruments::enter);
        let line = self.log.then(|| Line {
            uri: request.uri().clone(),
            client: self.clients.of(request),
            size: None,
        });
        Some(Entry {
            since: self.clock.now(),
            clock: self.clock.clone(),
            method: request.method().clone(),
            route: self.label.of(request),
            status: CLIENT_CLOSED_REQUEST,
            line,
            instruments,
        })
    }
}

impl<S> Layer<S> for Account {
    type Service = Accounted<S>;

    fn layer(&self, inner: S) -> Accounted<S> {
        Accounted { inner, layer: self.clone() }
    }
}

// === impl Accounted ===

impl<S: Service<Request, Response = Response>> Service<Request> for Accounted<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = AccountedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let entry = self.layer.begin(&request);
        AccountedFuture { inner: self.inner.call(request), entry }
    }
}

impl<F, E> Future for AccountedFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let outcome = ready!(this.inner.poll(cx));
        if let (Ok(response), Some(entry)) = (&outcome, this.entry) {
            entry.status = response.status().as_u16();
            if let Some(line) = &mut entry.line {
                line.size = response.body().size_hint().exact();
            }
        }
        Poll::Ready(outcome)
    }
}

// === impl Entry ===

impl Drop for Entry {
    fn drop(&mut self) {
        let took = self.clock.now() - self.since;
        if let Some(instruments) = &self.instruments {
            let method = label::method(&self.method);
            instruments.leave(method, self.route.clone(), self.status, took);
        }
        // The query stays out of the log: it is where callers put what is nobody's business.
        if let Some(line) = &self.line {
            tracing::info!(
                target: "purlin_http::access",
                {
                    http.request.method = self.method.as_str(),
                    url.path = line.uri.path(),
                    http.route = &*self.route,
                    http.response.status_code = self.status,
                    http.response.body.size = line.size,
                    client.address = line.client.map(tracing::field::display),
                    duration_ms = millis(took),
                },
                "request"
            );
        }
    }
}

/// To the microsecond, which is as fine as it means anything.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
