use std::{
    future::Future,
    sync::atomic::{AtomicU32, Ordering},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri,
    header::{CONTENT_TYPE, USER_AGENT},
};
use http_body_util::Full;
use purlin::trace::{self, BaggageExt as _, Context, CorrelationId, Injector, KeyValue};
use serde::{Serialize, de::DeserializeOwned};
use tracing::Instrument as _;
use url::Url;

use crate::{
    client::{HttpClient, Inner},
    config::Propagate,
    error::{Broken, Error, ErrorKind},
    judge::judge,
    metrics,
    response::Response,
    transport::uri,
};

/// A request; made by [`HttpClient`].
#[derive(Debug)]
#[must_use = "a request is sent by `send` or `fetch`"]
pub struct Request {
    client: HttpClient,
    method: Method,
    url: Result<Url, Box<str>>,
    headers: HeaderMap,
    body: Bytes,
    repeatable: bool,
    /// The first thing that was wrong while it was put together.
    wrong: Option<Box<str>>,
}

const CORRELATION_ID: HeaderName = HeaderName::from_static(CorrelationId::HEADER);
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

// === impl Request ===

impl Request {
    pub(crate) fn new(client: HttpClient, method: Method, path: &str) -> Self {
        Self {
            url: join(&client.0.base, path),
            repeatable: method.is_idempotent(),
            client,
            method,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            wrong: None,
        }
    }

    /// Adds parameters to the query.
    pub fn query<T: Serialize + ?Sized>(mut self, query: &T) -> Self {
        match serde_urlencoded::to_string(query) {
            Ok(text) if text.is_empty() => self,
            Ok(text) => {
                if let Ok(url) = &mut self.url {
                    let before = url.query().map(|query| format!("{query}&")).unwrap_or_default();
                    url.set_query(Some(&format!("{before}{text}")));
                }
                self
            }
            Err(error) => self.wrong(format!("the query cannot be written: {error}")),
        }
    }

    /// Sets a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
                self
            }
            (Err(_), _) => self.wrong(format!("`{name}` is no name of a header")),
            // It may be a secret.
            (_, Err(_)) => self.wrong(format!("the value of `{name}` cannot be in a header")),
        }
    }

    /// Sends this identifier along as `X-Correlation-ID`, instead of that of the request that is being
    /// answered.
    pub fn correlation_id(self, id: impl AsRef<str>) -> Self {
        self.header(CORRELATION_ID.as_str(), id.as_ref())
    }

    /// Sends an `Idempotency-Key`, by which the upstream knows a request again: so it may be
    /// repeated, whatever its method is.
    ///
    /// Source: [The Idempotency-Key HTTP Header Field](https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header).
    pub fn idempotency_key(self, key: impl AsRef<str>) -> Self {
        self.header(IDEMPOTENCY_KEY.as_str(), key.as_ref()).repeatable(true)
    }

    /// Says whether the request may be repeated, whatever its method is.
    pub fn repeatable(self, repeatable: bool) -> Self {
        Self { repeatable, ..self }
    }

    /// Sets the body, as JSON.
    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.body(body).header(CONTENT_TYPE.as_str(), "application/json"),
            Err(error) => self.wrong(format!("the body cannot be written as JSON: {error}")),
        }
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Sends it, and returns the answer whatever its status is.
    ///
    /// Dropping it at any point ends the attempt.
    ///
    /// # Errors
    /// [`Error`] when there is no whole answer: for what reason, and how often it was attempted.
    pub async fn send(self) -> Result<Response, Error> {
        let Self { client: HttpClient(client), method, url, headers, body, repeatable, wrong } =
            self;
        let shown = url.as_ref().map_or_else(|_| client.base.to_string(), shown);
        let failed = |kind| Error { method: method.clone(), url: shown.clone(), kind };

        let _in_flight = client.calls.token();
        if client.calls.is_closed() {
            return Err(failed(ErrorKind::Closed));
        }
        let target = wrong.map_or(Ok(()), Err).and(url).and_then(|url| Ok((uri(&url)?, url)));
        let (uri, url) = target.map_err(|wrong| failed(ErrorKind::Invalid(wrong)))?;
        let call =
            Call { client: &client, method: &method, url: &url, uri, shown: &shown, headers, body };
        let attempts = AtomicU32::new(0);
        let work = || call.attempt(attempts.fetch_add(1, Ordering::Relaxed) + 1);
        let judge = |outcome: purlin_resilience::Outcome<'_, _, _>| {
            judge(&outcome, repeatable, client.clock.system_now())
        };
        client.guard.call_with(judge, work).await.map_err(|error| failed(ErrorKind::Guard(error)))
    }

    /// Sends it, and reads the answer as JSON.
    ///
    /// # Errors
    /// [`Error`] when there is no whole answer, when its status is not one of success, and when it
    /// cannot be read.
    pub async fn fetch<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.header_if_missing("accept", "application/json").send().await?.success()?.json()
    }

    fn header_if_missing(self, name: &'static str, value: &str) -> Self {
        if self.headers.contains_key(name) { self } else { self.header(name, value) }
    }

    fn wrong(mut self, what: impl Into<Box<str>>) -> Self {
        self.wrong.get_or_insert(what.into());
        self
    }
}

/// A request that is being made.
struct Call<'a> {
    client: &'a Inner,
    method: &'a Method,
    url: &'a Url,
    uri: Uri,
    shown: &'a str,
    headers: HeaderMap,
    body: Bytes,
}

// === impl Call ===

impl Call<'_> {
    fn attempt(&self, number: u32) -> impl Future<Output = Result<Response, Broken>> {
        let name = metrics::name(self.method);
        // It is made where traces are, and at level debug of the log.
        let span = tracing::debug_span!(
            target: "purlin_http_client",
            "call",
            otel.kind = "client",
            otel.name = name,
            http.request.method = name,
            http.request.resend_count = (number > 1).then(|| number - 1),
            server.address = self.url.host_str(),
            server.port = self.url.port_or_known_default(),
            url.full = self.shown,
        );
        let request = span.in_scope(|| self.request());
        async move {
            let measured = self.client.instruments.attempt(&self.client.clock, self.method);
            let outcome = self.exchange(request, number).await;
            match &outcome {
                Ok(response) => {
                    note_status(response.status);
                    measured.answered(response.status);
                }
                Err(broken) => measured.broke(broken),
            }
            outcome
        }
        .instrument(span)
    }

    /// The request of an attempt, with the context of the current span.
    fn request(&self) -> http::Request<Full<Bytes>> {
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        *headers = self.headers.clone();
        headers.entry(USER_AGENT).or_insert_with(|| self.client.agent.clone());
        if let Some((name, value)) = &self.client.auth {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        self.propagate(headers);
        request
    }

    /// Tells the upstream of the request that is being answered, as far as it may know.
    fn propagate(&self, headers: &mut HeaderMap) {
        let withheld = match self.client.propagate {
            Propagate::All => None,
            Propagate::Trace => Context::map_current(|context| {
                (!context.baggage().is_empty()).then(|| context.with_cleared_baggage())
            }),
            Propagate::None => return,
        };
        let _attached = withheld.map(Context::attach);
        trace::inject(&mut Headers(headers));
    }

    async fn exchange(
        &self,
        request: http::Request<Full<Bytes>>,
        attempts: u32,
    ) -> Result<Response, Broken> {
        let (head, body) = self.client.transport.exchange(request).await?.into_parts();
        let (method, url) = (self.method.clone(), self.shown.to_owned());
        Ok(Response { method, url, status: head.status, headers: head.headers, body, attempts })
    }
}

/// Where a propagator writes to.
struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        // Propagators write an empty `tracestate` where there is none.
        if value.is_empty() {
            return;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            // What was said of this request goes before what is said of the one it works for.
            if name != CORRELATION_ID || !self.0.contains_key(&name) {
                self.0.insert(name, value);
            }
        }
    }
}

fn note_status(status: StatusCode) {
    trace::record(|| [KeyValue::new("http.response.status_code", i64::from(status.as_u16()))]);
    if status.is_client_error() || status.is_server_error() {
        note_error(status.as_str().to_owned());
    }
}

/// Marks the current span as failed.
pub(crate) fn note_error(kind: impl Into<trace::Value>) {
    trace::record(|| [KeyValue::new("error.type", kind)]);
    trace::fail("");
}

/// The address of a path below `base`.
fn join(base: &Url, path: &str) -> Result<Url, Box<str>> {
    let prefix = base.path().trim_end_matches('/');
    if !path.starts_with('/') {
        return Err(format!("the path `{path}` does not begin with `/`").into());
    }
    let url = base.join(&format!("{prefix}{path}"));
    let url = url.map_err(|error| format!("the path `{path}` is none: {error}"))?;
    // A path with `//`, `..` or worse, perhaps from outside, must not lead elsewhere.
    let below = url.path().strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
    if url.origin() != base.origin() || !below {
        return Err(format!("the path `{path}` leads out of {base}").into());
    }
    Ok(url)
}

fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_its_base() {
        let of = |base: &str, path: &str| {
            join(&base.parse().unwrap(), path).map(|url| url.to_string()).ok()
        };
        let (root, deep) = ("http://host:80", "http://host/v1/");
        assert_eq!(of(root, "/orders?a=b").unwrap(), "http://host/orders?a=b");
        assert_eq!(of(deep, "/orders").unwrap(), "http://host/v1/orders");
        assert_eq!(of(deep, "/a/../b").unwrap(), "http://host/v1/b");
        for path in
            ["", "orders", "@evil.example/", "http://evil.example/", "/../admin", "/%2e%2e/admin"]
        {
            assert_eq!(of(deep, path), None, "{path}");
        }
        for path in ["//evil.example/x", "/\\evil.example/x"] {
            assert_eq!(of(root, path), None, "{path}");
        }
    }
}
