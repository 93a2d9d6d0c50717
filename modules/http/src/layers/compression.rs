//! Answers are compressed as the caller likes it.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    response::Response,
};
use futures_util::{
    TryFutureExt as _,
    future::{Either, MapOk},
};
use http::{
    HeaderMap,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE},
};
use tower::{Layer, Service};
use tower_http::{
    CompressionLevel,
    compression::{Compression, CompressionBody, Predicate, ResponseFuture},
};

use crate::config::{CompressionConfig, Level};

/// Compresses what is worth it: text of some length, for callers who ask for it.
#[derive(Clone, Copy)]
pub(super) struct Compress {
    on: bool,
    worth: Worth,
    level: CompressionLevel,
}

#[derive(Clone)]
pub(super) struct Compressed<S> {
    inner: Compression<S, Worth>,
    on: bool,
}

/// Which answers are compressed.
#[derive(Clone, Copy)]
pub(super) struct Worth {
    min_size: u64,
}

/// Boxed where there is one: it is much larger than what is inside, also for those without it.
type Compressing<F> = MapOk<ResponseFuture<F, Worth>, fn(Shrunk) -> Response>;

type Shrunk = http::Response<CompressionBody<Body>>;

// === impl Compress ===

impl Compress {
    pub(super) fn new(config: &CompressionConfig) -> Self {
        Self {
            on: config.responses,
            worth: Worth { min_size: config.min_size.bytes() },
            level: match config.level {
                Level::Fastest => CompressionLevel::Fastest,
                Level::Default => CompressionLevel::Default,
                Level::Best => CompressionLevel::Best,
            },
        }
    }
}

impl<S> Layer<S> for Compress {
    type Service = Compressed<S>;

    fn layer(&self, inner: S) -> Compressed<S> {
        let inner = Compression::new(inner).quality(self.level).compress_when(self.worth);
        Compressed { inner, on: self.on }
    }
}

// === impl Compressed ===

impl<S> Service<Request> for Compressed<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Pin<Box<Compressing<S::Future>>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.get_mut().poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if self.on && request.headers().contains_key(ACCEPT_ENCODING) {
            let boxed: fn(Shrunk) -> Response = |response| response.map(Body::new);
            return Either::Right(Box::pin(self.inner.call(request).map_ok(boxed)));
        }
        Either::Left(self.inner.get_mut().call(request))
    }
}

// === impl Worth ===

impl Predicate for Worth {
    fn should_compress<B: HttpBody>(&self, response: &http::Response<B>) -> bool {
        let size = response.body().size_hint().exact();
        size.is_none_or(|size| size >= self.min_size) && is_text(response.headers())
    }
}

/// Whether the body is of a kind that shrinks. Events are not: each would wait in the compressor for
/// the next one.
fn is_text(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text(CACHE_CONTROL).is_some_and(|said| said.contains("no-transform")) {
        return false;
    }
    let Some(media) = text(CONTENT_TYPE).and_then(|text| text.parse::<mime::Mime>().ok()) else {
        return false;
    };
    match (media.type_().as_str(), media.subtype().as_str()) {
        ("text", subtype) => subtype != "event-stream",
        ("image", "svg") => true,
        ("application", "json" | "javascript" | "xml" | "wasm" | "x-ndjson" | "graphql") => true,
        ("application", _) => matches!(media.suffix(), Some(mime::JSON | mime::XML)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_does_not_shrink_is_left_alone() {
        let is_text = |kind: &'static str| {
            is_text(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]))
        };
        for kind in [
            "application/json",
            "application/problem+json",
            "text/html; charset=utf-8",
            "image/svg+xml",
            "application/atom+xml",
        ] {
            assert!(is_text(kind), "{kind}");
        }
        for kind in ["text/event-stream", "image/png", "application/zip", "video/mp4", "nonsense"] {
            assert!(!is_text(kind), "{kind}");
        }
    }
}
