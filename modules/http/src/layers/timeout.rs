//! The time that a request may take.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use pin_project_lite::pin_project;
use purlin::{
    clock::{Clock, Instant},
    error::Code,
};
use tower::{Layer, Service};

use crate::problem::Problem;

/// Answers 504 when the head of the answer is not there in time, and drops the handler. A limit of
/// zero is none.
///
/// The body of the answer may take longer: a download or a stream of events is not cut.
#[derive(Clone)]
pub(super) struct Timeout {
    clock: Clock,
    limit: Duration,
}

#[derive(Clone)]
pub(super) struct TimedOut<S> {
    inner: S,
    layer: Timeout,
}

pin_project! {
    pub(super) struct TimedOutFuture<F> {
        #[pin]
        inner: F,
        clock: Clock,
        limit: Duration,
        since: Instant,
        sleep: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    }
}

// === impl Timeout ===

impl Timeout {
    pub(super) fn new(clock: Clock, limit: Duration) -> Self {
        Self { clock, limit }
    }
}

impl<S> Layer<S> for Timeout {
    type Service = TimedOut<S>;

    fn layer(&self, inner: S) -> TimedOut<S> {
        TimedOut { inner, layer: self.clone() }
    }
}

// === impl TimedOut ===

impl<S> Service<Request> for TimedOut<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = TimedOutFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Timeout { clock, limit } = self.layer.clone();
        let since = clock.now();
        TimedOutFuture { inner: self.inner.call(request), clock, limit, since, sleep: None }
    }
}

impl<F> Future for TimedOutFuture<F>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let outcome = this.inner.poll(cx);
        if outcome.is_ready() || this.limit.is_zero() {
            return outcome;
        }
        // A request that is answered without waiting for anything needs no timer.
        let (clock, deadline) = (&*this.clock, *this.since + *this.limit);
        let sleep = this.sleep.get_or_insert_with(|| {
            let clock = clock.clone();
            Box::pin(async move { clock.sleep_until(deadline).await })
        });
        sleep.as_mut().poll(cx).map(|()| {
            let detail = format!("the request took longer than {:?}", this.limit);
            Ok(Problem::from_code(Code::DeadlineExceeded).detail(detail).into_response())
        })
    }
}
