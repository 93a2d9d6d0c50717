//! Requests that a browser sends on behalf of another site's page.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use futures_util::future::Either;
use http::{
    HeaderMap, HeaderName, Method, Uri,
    header::{HOST, ORIGIN, UPGRADE},
};
use purlin::error::Code;
use tower::{Layer, Service};

use super::cors;
use crate::{
    config::{AllowedOrigin, CorsConfig, CsrfConfig},
    problem::Problem,
};

/// Answers 403 to a request that may change something, if a browser says that it was made by a page
/// of another origin.
///
/// A browser says so itself, in `Sec-Fetch-Site` since 2023 and in `Origin` before; no token has to
/// be handed out and brought back. What is no browser sends neither, and cannot be made to send a
/// request by somebody else's page. The design is that of `CrossOriginProtection` in Go 1.25, with
/// the handshake of a WebSocket among what is looked at: it is a GET that opens a channel in the
/// name of the visitor.
#[derive(Clone)]
pub(super) struct Csrf {
    on: bool,
    trusted: Arc<[AllowedOrigin]>,
}

#[derive(Clone)]
pub(super) struct Protected<S> {
    inner: S,
    layer: Csrf,
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

// === impl Csrf ===

impl Csrf {
    pub(super) fn new(config: &CsrfConfig, cors: &CorsConfig) -> Self {
        // A page that may read what it gets may send it, too. Not so with `*`, which lets everybody
        // read only what is shown to strangers.
        let named = cors.origins.iter().filter(|origin| !origin.is_any());
        Self {
            on: config.enabled,
            trusted: named.chain(&config.trusted_origins).cloned().collect(),
        }
    }

    fn refuses(&self, request: &Request) -> bool {
        let headers = request.headers();
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
            || headers
                .get(UPGRADE)
                .is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
        self.on && changes && is_foreign(request.uri(), headers) && !self.trusts(headers)
    }

    fn trusts(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (Some(origin), None) => cors::allows(&self.trusted, origin),
            _ => false,
        }
    }
}

/// Whether a browser says that the request comes from a page of another origin.
fn is_foreign(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter().peekable();
    if sites.peek().is_some() {
        return !sites.all(|site| matches!(site.as_bytes(), b"same-origin" | b"none"));
    }
    let mut origins = headers.get_all(ORIGIN).iter().peekable();
    if origins.peek().is_none() {
        return false;
    }
    let host = uri.authority().map(|authority| authority.as_str().as_bytes());
    let host = host.or_else(|| headers.get(HOST).map(|host| host.as_bytes()));
    // The scheme is not compared: whoever ends TLS in front of the service leaves `http` here.
    let of_origin = |origin: &[u8]| {
        let at = origin.windows(3).position(|part| part == b"://")?;
        Some(origin[at + 3..].to_vec())
    };
    !origins.all(|origin| {
        let origin = of_origin(origin.as_bytes());
        origin
            .as_deref()
            .is_some_and(|origin| host.is_some_and(|host| host.eq_ignore_ascii_case(origin)))
    })
}

impl<S> Layer<S> for Csrf {
    type Service = Protected<S>;

    fn layer(&self, inner: S) -> Protected<S> {
        Protected { inner, layer: self.clone() }
    }
}

// === impl Protected ===

impl<S> Service<Request> for Protected<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if self.layer.refuses(&request) {
            let problem = Problem::from_code(Code::PermissionDenied)
                .code("cross_origin")
                .detail("the request comes from a page of another origin");
            return Either::Right(ready(Ok(problem.into_response())));
        }
        Either::Left(self.inner.call(request))
    }
}
