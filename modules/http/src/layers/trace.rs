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
use purlin::trace::{self, KeyValue, Within};
use purlin_serve::OverTls;
use tower::{Layer, Service};
use tracing::Span;

use super::{
    CorrelationId,
    client::Clients,
    label::{self, Label},
};
use crate::propagation;

/// Gives each request a span in the context that its caller brought.
#[derive(Clone)]
pub(super) struct Trace {
    on: bool,
    label: Label,
    clients: Clients,
}

#[derive(Clone)]
pub(super) struct Traced<S> {
    inner: S,
    layer: Trace,
}

pin_project! {
    pub(super) struct TracedFuture<F> {
        // Gone with the answer: what ends with it, such as a line of the log, is within the span.
        #[pin]
        inner: Option<F>,
        span: Span,
        recorded: bool,
    }

    impl<F> PinnedDrop for TracedFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_some() {
                let _entered = this.span.enter();
                end(*this.recorded, None);
                this.inner.set(None);
            }
        }
    }
}

// === impl Trace ===

impl Trace {
    pub(super) fn new(on: bool, label: Label, clients: Clients) -> Self {
        Self { on, label, clients }
    }

    fn span(&self, request: &Request) -> Span {
        let (method, route) = (label::method(request.method()), self.label.text(request));
        let route = (!route.starts_with('<')).then_some(route);
        let (space, path) = route.map_or(("", ""), |route| (" ", route));
        // At the level of errors, so that no filter leaves errors without their identifiers.
        tracing::error_span!(
            "request",
            otel.kind = "server",
            otel.name = format_args!("{}{space}{path}", named(method)),
            http.request.method = method,
            http.route = route,
            correlation_id = request.extensions().get().map(CorrelationId::as_str),
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
    type Future = Within<TracedFuture<S::Future>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let mut recorded = false;
        if !self.layer.on {
            let inner = Some(self.inner.call(request));
            return trace::within(None, TracedFuture { inner, span: Span::none(), recorded });
        }
        let brought = propagation::brought(request.headers());
        let _attached = brought.clone().map(trace::Context::attach);
        let span = self.layer.span(&request);
        let inner = span.in_scope(|| {
            trace::record(|| {
                recorded = true;
                attributes(&request, &self.layer.clients)
            });
            Some(self.inner.call(request))
        });
        trace::within(brought, TracedFuture { inner, span, recorded })
    }
}

impl<F, E> Future for TracedFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let inner = this.inner.as_mut().as_pin_mut().expect("it is polled until it is ready");
        let _entered = this.span.enter();
        let outcome = ready!(inner.poll(cx));
        end(*this.recorded, outcome.as_ref().ok().map(Response::status));
        this.inner.set(None);
        Poll::Ready(outcome)
    }
}

/// Says in the current span how its request ended; without a status the caller is gone.
fn end(recorded: bool, status: Option<StatusCode>) {
    if !recorded {
        return;
    }
    let Some(status) = status else {
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

/// What a span is called after: callers may send any method.
fn named(method: &'static str) -> &'static str {
    if method == label::OTHER { "HTTP" } else { method }
}

/// What the trace says of a request, and log lines do not.
fn attributes(request: &Request, clients: &Clients) -> Vec<KeyValue> {
    let (uri, headers) = (request.uri(), request.headers());
    let over_tls = request.extensions().get::<OverTls>().is_some();
    let scheme = uri.scheme_str().unwrap_or(if over_tls { "https" } else { "http" });
    let mut attributes = vec![
        KeyValue::new("url.path", uri.path().to_owned()),
        KeyValue::new("url.scheme", scheme.to_owned()),
        KeyValue::new("network.protocol.version", version(request.version())),
    ];
    let host = text(headers, &HOST).and_then(|host| host.parse().ok());
    if let Some(server) = host.as_ref().or_else(|| uri.authority()) {
        let address = server.host().trim_start_matches('[').trim_end_matches(']');
        attributes.push(KeyValue::new("server.address", address.to_owned()));
        let port = server.port_u16().map(i64::from);
        attributes.extend(port.map(|port| KeyValue::new("server.port", port)));
    }
    let client = clients.of(request);
    attributes.extend(client.map(|client| KeyValue::new("client.address", client.to_string())));
    if label::method(request.method()) == label::OTHER {
        let method = request.method().as_str().to_owned();
        attributes.push(KeyValue::new("http.request.method_original", method));
    }
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

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, net::SocketAddr};

    use axum::body::Body;
    use purlin_serve::PeerAddr;

    use super::*;

    fn attributes(request: http::request::Builder) -> BTreeMap<String, String> {
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(PeerAddr(SocketAddr::from(([10, 0, 0, 1], 4711))));
        let clients = Clients::new(&["10.0.0.0/8".parse().unwrap()]);
        let attributes = super::attributes(&request, &clients).into_iter();
        attributes.map(|it| (it.key.to_string(), it.value.to_string())).collect()
    }

    fn expect(found: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
        let found: Vec<_> = found.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_request_is_described_by_the_conventions() {
        let request = Request::get("/orders/7?token=secret")
            .extension(OverTls)
            .header("host", "orders.internal:8443")
            .header("x-forwarded-for", "192.0.2.7")
            .header("user-agent", "curl/8");
        expect(
            &attributes(request),
            &[
                ("client.address", "192.0.2.7"),
                ("network.protocol.version", "1.1"),
                ("server.address", "orders.internal"),
                ("server.port", "8443"),
                ("url.path", "/orders/7"),
                ("url.scheme", "https"),
                ("user_agent.original", "curl/8"),
            ],
        );
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let request = Request::builder().method("BREW").uri("/pot").header("host", "[::1]");
        expect(
            &attributes(request),
            &[
                ("client.address", "10.0.0.1"),
                ("http.request.method_original", "BREW"),
                ("network.protocol.version", "1.1"),
                ("server.address", "::1"),
                ("url.path", "/pot"),
                ("url.scheme", "http"),
            ],
        );
        let over_http2 = Request::get("https://orders/7").version(Version::HTTP_2);
        let described = attributes(over_http2);
        assert_eq!((&*described["url.scheme"], &*described["server.address"]), ("https", "orders"));
    }
}
