//! The span of a request, in the trace of its caller.
//!
//! Names and attributes follow the [semantic conventions] of OpenTelemetry for HTTP servers. Those
//! that log lines show as well are fields of the `tracing` span; the others go to the trace alone,
//! and cost nothing where there is none.
//!
//! [semantic conventions]: https://opentelemetry.io/docs/specs/semconv/http/http-spans/

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{extract::Request, response::Response};
use http::{
    HeaderMap, StatusCode, Version,
    header::{HOST, USER_AGENT},
};
use pin_project_lite::pin_project;
use purlin::trace::{self, KeyValue};
use tower::{Layer, Service};
use tracing::{Instrument, Span, field::Empty, instrument::Instrumented};

use super::label::{self, Label};
use crate::propagation;

/// Gives each request a span, whose parent is what the caller says.
#[derive(Clone)]
pub(super) struct Trace {
    on: bool,
    label: Label,
}

#[derive(Clone)]
pub(super) struct Traced<S> {
    inner: S,
    layer: Trace,
}

pin_project! {
    pub(super) struct TracedFuture<F> {
        #[pin]
        inner: Instrumented<F>,
        end: Option<End>,
    }
}

/// Says how the request ended, when it is dropped: also if that is because the caller is gone.
struct End {
    span: Span,
    status: Option<StatusCode>,
}

// === impl Trace ===

impl Trace {
    pub(super) fn new(on: bool, label: Label) -> Self {
        Self { on, label }
    }

    fn span(&self, request: &Request) -> Span {
        let (method, route) = (label::method(request.method()), self.label.of(request));
        let route = (!route.starts_with('<')).then_some(&*route);
        let (space, path) = route.map_or(("", ""), |route| (" ", route));
        let parent = propagation::extract(request.headers());
        let _attached = parent.attach();
        // At the level of errors, so that no filter leaves errors without their identifiers.
        tracing::error_span!(
            "request",
            otel.kind = "server",
            otel.name = format_args!("{method}{space}{path}"),
            http.request.method = method,
            http.route = route,
            correlation_id = Empty,
        )
    }
}

impl<S> Layer<S> for Trace {
    type Service = Traced<S>;

    fn layer(&self, inner: S) -> Traced<S> {
        Traced { inner, layer: self.clone() }
    }
}

// === impl Traced ===

impl<S: Service<Request, Response = Response>> Service<Request> for Traced<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = TracedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if !self.layer.on {
            let inner = self.inner.call(request).instrument(Span::none());
            return TracedFuture { inner, end: None };
        }
        let span = self.layer.span(&request);
        let _entered = span.enter();
        let mut recorded = false;
        trace::record(|| {
            recorded = true;
            attributes(&request)
        });
        let inner = self.inner.call(request).instrument(span.clone());
        let end = recorded.then(|| End { span: span.clone(), status: None });
        TracedFuture { inner, end }
    }
}

impl<F, E> Future for TracedFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let outcome = ready!(this.inner.poll(cx));
        if let (Ok(response), Some(end)) = (&outcome, &mut *this.end) {
            end.status = Some(response.status());
        }
        *this.end = None;
        Poll::Ready(outcome)
    }
}

// === impl End ===

impl Drop for End {
    fn drop(&mut self) {
        let _entered = self.span.enter();
        let Some(status) = self.status else {
            trace::record(|| [KeyValue::new("error.type", "client_closed_request")]);
            return;
        };
        let code = KeyValue::new("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            let kind = KeyValue::new("error.type", status.as_str().to_owned());
            trace::record(|| [code, kind]);
            trace::fail("");
        } else {
            trace::record(|| [code]);
        }
    }
}

/// What the trace says of a request, and log lines do not.
fn attributes(request: &Request) -> Vec<KeyValue> {
    let (uri, headers) = (request.uri(), request.headers());
    let mut attributes = vec![
        KeyValue::new("url.path", uri.path().to_owned()),
        KeyValue::new("url.scheme", uri.scheme_str().unwrap_or("http").to_owned()),
        KeyValue::new("network.protocol.version", version(request.version())),
    ];
    let host = text(headers, &HOST).or_else(|| uri.authority().map(|host| host.as_str()));
    attributes.extend(host.map(|host| KeyValue::new("server.address", host.to_owned())));
    let agent = text(headers, &USER_AGENT);
    attributes.extend(agent.map(|agent| KeyValue::new("user_agent.original", agent.to_owned())));
    attributes
}

fn text<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}
