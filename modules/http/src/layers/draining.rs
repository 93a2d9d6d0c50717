//! Requests that come while the server drains.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use futures_util::future::Either;
use http::header::RETRY_AFTER;
use purlin::error::Code;
use tower::{Layer, Service};

use crate::{problem::Problem, stream::Drain};

/// Answers 503 to requests that come once the drain has begun, and says when to try again.
///
/// It is off unless it is asked for: a request that came over an open connection can be answered, and
/// the connection is closed after it anyway. Where retries are cheap and the drain is short, a
/// refusal is quicker.
#[derive(Clone)]
pub(super) struct Refuse {
    on: bool,
    drain: Drain,
}

#[derive(Clone)]
pub(super) struct Refused<S> {
    inner: S,
    layer: Refuse,
}

/// By then a load balancer has found out.
const AGAIN_AFTER_SECONDS: u64 = 1;

// === impl Refuse ===

impl Refuse {
    pub(super) fn new(on: bool, drain: Drain) -> Self {
        Self { on, drain }
    }
}

impl<S> Layer<S> for Refuse {
    type Service = Refused<S>;

    fn layer(&self, inner: S) -> Refused<S> {
        Refused { inner, layer: self.clone() }
    }
}

// === impl Refused ===

impl<S> Service<Request> for Refused<S>
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
        if self.layer.on && self.layer.drain.has_begun() {
            let problem = Problem::from_code(Code::Unavailable).detail("the service is stopping");
            let mut response = problem.into_response();
            response.headers_mut().insert(RETRY_AFTER, AGAIN_AFTER_SECONDS.into());
            return Either::Right(ready(Ok(response)));
        }
        Either::Left(self.inner.call(request))
    }
}
