//! The identifier that follows a request through logs, answers and calls.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts, Request},
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, request::Parts};
use pin_project_lite::pin_project;
use purlin::{
    entropy::Entropy,
    trace::{self, Correlated},
};
use tower::{Layer, Service};
use tracing::{Instrument, Span, instrument::Instrumented};

use super::label::{self, Label};
use crate::{config::LayersConfig, problem::Problem};

/// The identifier of a request: what `X-Correlation-ID` or `X-Request-ID` said, or else a random
/// one.
///
/// It is in the span of the request as `correlation_id`, in the answer as `X-Correlation-ID`, in
/// every problem, and in what is [sent onward](purlin::trace::inject) in the course of the request. A
/// handler that needs it takes it as an argument.
///
/// An identifier from outside is kept if it has 1 to 128 characters out of letters, digits and
/// `-_.:/+=@`: it goes into logs and headers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CorrelationId(trace::CorrelationId);

/// Gives each request its [`CorrelationId`]; the span of its trace says it, or else one of its own.
#[derive(Clone)]
pub(super) struct Correlate {
    on: bool,
    spans: bool,
    entropy: Entropy,
    label: Label,
}

#[derive(Clone)]
pub(super) struct CorrelateService<S> {
    inner: S,
    layer: Correlate,
}

pin_project! {
    pub(super) struct CorrelatedFuture<F> {
        #[pin]
        inner: Correlated<Instrumented<F>>,
        id: Option<CorrelationId>,
        echo: bool,
    }
}

const CORRELATION: HeaderName = HeaderName::from_static(trace::CorrelationId::HEADER);
const REQUEST: HeaderName = HeaderName::from_static("x-request-id");

// === impl CorrelationId ===

impl CorrelationId {
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    fn given(headers: &HeaderMap, name: &HeaderName) -> Option<Self> {
        let text = headers.get(name)?.to_str().ok()?;
        trace::CorrelationId::new(text).map(Self)
    }

    fn header(&self) -> HeaderValue {
        HeaderValue::from_str(self.as_str()).expect("what it is made of is allowed in a header")
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<S: Sync> FromRequestParts<S> for CorrelationId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| {
            tracing::error!(
                "a handler asked for a correlation id, and `http.layers.correlation_id` is off"
            );
            Problem::internal()
        })
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for CorrelationId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().cloned())
    }
}

// === impl Correlate ===

impl Correlate {
    pub(super) fn new(on: &LayersConfig, entropy: Entropy, label: Label) -> Self {
        Self { on: on.correlation_id, spans: !on.trace, entropy, label }
    }

    fn span(&self, id: &CorrelationId, request: &Request) -> Span {
        if !self.spans {
            return Span::none();
        }
        // At the level of errors, so that no filter leaves errors without their identifier.
        tracing::error_span!(
            "request",
            correlation_id = id.as_str(),
            http.request.method = label::method(request.method()),
            http.route = self.label.text(request),
        )
    }
}

impl<S> Layer<S> for Correlate {
    type Service = CorrelateService<S>;

    fn layer(&self, inner: S) -> CorrelateService<S> {
        CorrelateService { inner, layer: self.clone() }
    }
}

// === impl CorrelateService ===

impl<S: Service<Request, Response = Response>> Service<Request> for CorrelateService<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = CorrelatedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        if !self.layer.on {
            let inner = self.inner.call(request).instrument(Span::none());
            let inner = trace::CorrelationId::scope(None, inner);
            return CorrelatedFuture { inner, id: None, echo: false };
        }
        let headers = request.headers();
        let requested = CorrelationId::given(headers, &REQUEST);
        let echo = requested.is_some();
        let id = CorrelationId::given(headers, &CORRELATION)
            .or(requested)
            .unwrap_or_else(|| CorrelationId(trace::CorrelationId::random(&self.layer.entropy)));
        let span = self.layer.span(&id, &request);
        request.extensions_mut().insert(id.clone());
        let inner = span.in_scope(|| self.inner.call(request)).instrument(span);
        let inner = trace::CorrelationId::scope(Some(id.0.clone()), inner);
        CorrelatedFuture { inner, id: Some(id), echo }
    }
}

impl<F, E> Future for CorrelatedFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut outcome = ready!(this.inner.poll(cx));
        if let (Ok(response), Some(id)) = (&mut outcome, this.id.take()) {
            let id = id.header();
            if *this.echo {
                response.headers_mut().insert(REQUEST, id.clone());
            }
            response.headers_mut().insert(CORRELATION, id);
        }
        Poll::Ready(outcome)
    }
}
