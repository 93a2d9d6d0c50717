//! Bodies of requests may come compressed.

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    response::Response,
};
use futures_util::future::Either;
use http::header::CONTENT_ENCODING;
use http_body_util::{BodyExt as _, Limited};
use purlin::config::ByteSize;
use tower::{Layer, Service, ServiceExt as _};
use tower_http::decompression::RequestDecompression;

use super::body_limit::too_large;

/// Decompresses bodies with gzip and br, and answers 415 to any other coding.
///
/// What comes out is bounded by the limit of the body, which lies inside of this layer; what goes in
/// has the same bound, since there are streams that go on for ever and yield nothing. One coding at
/// a time is taken. Zstandard is not: a frame of few bytes may ask for a window of 128 MiB.
#[derive(Clone, Copy)]
pub(super) struct Decompress {
    on: bool,
    limit: ByteSize,
}

#[derive(Clone)]
pub(super) struct Decompressed<S> {
    inner: S,
    layer: Decompress,
}

type Boxed = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

// === impl Decompress ===

impl Decompress {
    pub(super) fn new(on: bool, limit: ByteSize) -> Self {
        Self { on, limit }
    }
}

impl<S> Layer<S> for Decompress {
    type Service = Decompressed<S>;

    fn layer(&self, inner: S) -> Decompressed<S> {
        Decompressed { inner, layer: *self }
    }
}

// === impl Decompressed ===

impl<S> Service<Request> for Decompressed<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>
        + Clone
        + Send
        + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Either<Ready<Result<Response, Infallible>>, Boxed>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if !self.layer.on || !request.headers().contains_key(CONTENT_ENCODING) {
            return Either::Left(self.inner.call(request));
        }
        let limit = self.layer.limit;
        if request.body().size_hint().lower() > limit.bytes() {
            return Either::Right(Either::Left(ready(Ok(too_large(limit)))));
        }
        let request = request.map(|body| Limited::new(body, limit.as_usize()));
        // The service that was polled is the one that is ready.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        let inner = inner.map_request(|request: http::Request<_>| request.map(Body::new));
        let mut service = RequestDecompression::new(inner).zstd(false);
        let answer = service.call(request);
        Either::Right(Either::Right(Box::pin(async move {
            Ok(answer.await?.map(|body| Body::new(body.map_err(axum::Error::new))))
        })))
    }
}
