//! A panic of a handler is an answer, not the end of a connection.

use std::{
    any::Any,
    convert::Infallible,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::label::Label;
use crate::{metrics::Instruments, problem::Problem};

/// Answers 500 when what is inside panics, logs the message and counts it.
///
/// Nothing of the request is used again after a panic, which is what makes catching it safe. What
/// the handler shares with others, such as a mutex, it may leave poisoned, and that is up to them.
#[derive(Clone)]
pub(super) struct CatchPanics {
    on: bool,
    label: Label,
    instruments: Instruments,
}

#[derive(Clone)]
pub(super) struct PanicsCaught<S> {
    inner: S,
    layer: CatchPanics,
}

pin_project! {
    pub(super) struct PanicsCaughtFuture<F> {
        #[pin]
        inner: Option<F>,
        catcher: Option<Catcher>,
    }
}

/// What is done about a panic.
struct Catcher {
    route: Arc<str>,
    instruments: Instruments,
}

// === impl CatchPanics ===

impl CatchPanics {
    pub(super) fn new(on: bool, label: Label, instruments: Instruments) -> Self {
        Self { on, label, instruments }
    }
}

impl<S> Layer<S> for CatchPanics {
    type Service = PanicsCaught<S>;

    fn layer(&self, inner: S) -> PanicsCaught<S> {
        PanicsCaught { inner, layer: self.clone() }
    }
}

// === impl PanicsCaught ===

impl<S> Service<Request> for PanicsCaught<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = PanicsCaughtFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if !self.layer.on {
            return PanicsCaughtFuture { inner: Some(self.inner.call(request)), catcher: None };
        }
        let catcher = Catcher {
            route: self.layer.label.of(&request),
            instruments: self.layer.instruments.clone(),
        };
        let inner = catch_unwind(AssertUnwindSafe(|| self.inner.call(request)));
        let inner = inner.map_err(|panic| catcher.report(&*panic)).ok();
        PanicsCaughtFuture { inner, catcher: Some(catcher) }
    }
}

impl<F> Future for PanicsCaughtFuture<F>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else {
            return Poll::Ready(Ok(Problem::internal().into_response()));
        };
        let Some(catcher) = this.catcher else { return inner.poll(cx) };
        catch_unwind(AssertUnwindSafe(|| inner.poll(cx))).unwrap_or_else(|panic| {
            catcher.report(&*panic);
            Poll::Ready(Ok(Problem::internal().into_response()))
        })
    }
}

// === impl Catcher ===

impl Catcher {
    fn report(&self, panic: &(dyn Any + Send)) {
        let message = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a value that is no text");
        tracing::error!(panic = message, route = &*self.route, "a handler panicked");
        self.instruments.panicked(self.route.clone());
    }
}
