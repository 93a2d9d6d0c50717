use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tower::{Layer, Service, ServiceExt as _};

use crate::{
    error::Error,
    guard::Guard,
    verdict::{Outcome, Verdict},
};

/// A guard as a layer of tower.
///
/// ```
/// # use std::convert::Infallible;
/// # use purlin_resilience::{Guard, GuardConfig, GuardLayer, any_error};
/// use tower::{Service as _, ServiceBuilder, ServiceExt as _};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let guard = Guard::builder("doubler").config(&GuardConfig::default()).build();
/// let mut service = ServiceBuilder::new()
///     .layer(GuardLayer::new(guard, any_error))
///     .service_fn(|n: u32| async move { Ok::<_, Infallible>(2 * n) });
/// assert_eq!(service.ready().await.unwrap().call(21).await.unwrap(), 42);
/// # }
/// ```
/// The service is always ready: a guard decides per request, and waits for the readiness of the inner
/// service within the attempt's timeout. Requests and the inner service are cloned for each attempt.
#[derive(Debug, Clone)]
pub struct GuardLayer<J> {
    guard: Guard,
    judge: J,
}

/// A service under a [`GuardLayer`].
#[derive(Debug, Clone)]
pub struct Guarded<S, J> {
    inner: S,
    guard: Guard,
    judge: J,
}

// === impl GuardLayer ===

impl<J> GuardLayer<J> {
    /// A layer of `guard`; `judge` gives the verdict on each outcome.
    pub const fn new(guard: Guard, judge: J) -> Self {
        Self { guard, judge }
    }
}

impl<S, J: Clone> Layer<S> for GuardLayer<J> {
    type Service = Guarded<S, J>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded { inner, guard: self.guard.clone(), judge: self.judge.clone() }
    }
}

// === impl Guarded ===

impl<S, J, R> Service<R> for Guarded<S, J>
where
    S: Service<R, Response: Send, Error: Send, Future: Send> + Clone + Send + 'static,
    J: Fn(Outcome<'_, S::Response, S::Error>) -> Verdict + Clone + Send + 'static,
    R: Clone + Send + 'static,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let Self { inner, guard, judge } = self.clone();
        Box::pin(async move {
            guard.call_with(judge, move || inner.clone().oneshot(request.clone())).await
        })
    }
}
