//! How large the body of a request may be.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use axum::{
    body::{Body, HttpBody},
    extract::{DefaultBodyLimit, Request},
    response::{IntoResponse, Response},
};
use futures_util::future::Either;
use http::StatusCode;
use http_body_util::Limited;
use purlin::config::ByteSize;
use tower::{Layer, Service};

use crate::problem::Problem;

/// Answers 413 to a body that says it is too large, and ends one that turns out to be.
///
/// It takes the place of the limit of axum's extractors, and holds for every way of reading a body.
#[derive(Clone, Copy)]
pub(super) struct BodyLimit {
    limit: ByteSize,
}

#[derive(Clone)]
pub(super) struct BodyLimited<S> {
    inner: S,
    limit: ByteSize,
}

/// What the extractors of axum accept by themselves.
const OF_EXTRACTORS: u64 = 2 * 1024 * 1024;

// === impl BodyLimit ===

impl BodyLimit {
    pub(super) fn new(limit: ByteSize) -> Self {
        Self { limit }
    }
}

impl<S> Layer<S> for BodyLimit {
    type Service = BodyLimited<S>;

    fn layer(&self, inner: S) -> BodyLimited<S> {
        BodyLimited { inner, limit: self.limit }
    }
}

// === impl BodyLimited ===

impl<S> Service<Request> for BodyLimited<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response, Infallible>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let length = request.body().size_hint().exact();
        if length.is_some_and(|length| length > self.limit.bytes()) {
            return Either::Left(ready(Ok(too_large(self.limit))));
        }
        if length.is_none() {
            let limit = self.limit.as_usize();
            request = request.map(|body| Body::new(Limited::new(body, limit)));
        }
        if length.is_none_or(|length| length > OF_EXTRACTORS) {
            DefaultBodyLimit::disable().apply(&mut request);
        }
        Either::Right(self.inner.call(request))
    }
}

pub(super) fn too_large(limit: ByteSize) -> Response {
    let detail = format!("the body is larger than {limit}");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE).detail(detail).into_response()
}
