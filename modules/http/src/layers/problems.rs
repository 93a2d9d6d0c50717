//! Errors on their way out: completed, or turned into problems.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, HttpBody},
    extract::{MatchedPath, Request},
    response::Response,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Uri, header::CONTENT_TYPE};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::CorrelationId;
use crate::problem::{LONGEST_REJECTION, Problem, from_rejection};

/// Makes sure that errors are problems; see [`problem`](crate::problem).
#[derive(Clone, Copy)]
pub(super) struct Problems {
    on: bool,
}

#[derive(Clone)]
pub(super) struct WithProblems<S> {
    inner: S,
    on: bool,
}

pin_project! {
    pub(super) struct WithProblemsFuture<F> {
        #[pin]
        inner: F,
        cause: Option<Cause>,
    }
}

/// What a problem says of the request that it answers.
struct Cause {
    uri: Uri,
    route: Option<MatchedPath>,
    correlation_id: Option<CorrelationId>,
}

// === impl Problems ===

impl Problems {
    pub(super) fn new(on: bool) -> Self {
        Self { on }
    }
}

impl<S> Layer<S> for Problems {
    type Service = WithProblems<S>;

    fn layer(&self, inner: S) -> WithProblems<S> {
        WithProblems { inner, on: self.on }
    }
}

// === impl WithProblems ===

impl<S: Service<Request, Response = Response>> Service<Request> for WithProblems<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = WithProblemsFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let cause = self.on.then(|| Cause {
            uri: request.uri().clone(),
            route: request.extensions().get().cloned(),
            correlation_id: request.extensions().get().cloned(),
        });
        WithProblemsFuture { inner: self.inner.call(request), cause }
    }
}

impl<F, E> Future for WithProblemsFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut outcome = ready!(this.inner.poll(cx));
        if let (Ok(response), Some(cause)) = (&mut outcome, this.cause) {
            let status = response.status();
            if (status.is_client_error() || status.is_server_error())
                && let Some(problem) = problem(response, cause.route.as_ref(), cx)
            {
                let id = cause.correlation_id.as_ref().map(CorrelationId::as_str);
                problem.write_to(response, Some(cause.uri.path()), id);
            }
        }
        Poll::Ready(outcome)
    }
}

/// The problem that an error stands for, unless its body is the handler's own.
fn problem(
    response: &mut Response,
    route: Option<&MatchedPath>,
    cx: &mut Context<'_>,
) -> Option<Problem> {
    if let Some(problem) = Problem::take(response) {
        return Some(problem);
    }
    match response.headers().get(CONTENT_TYPE) {
        None if response.body().is_end_stream() => Some(Problem::new(response.status())),
        Some(media_type) if media_type == mime::TEXT_PLAIN_UTF_8.as_ref() => {
            let text = text(response.body_mut(), cx)?;
            from_rejection(response.status(), &text, route.map(MatchedPath::as_str))
        }
        _ => None,
    }
}

/// The whole of a short body that is in memory, and which stays in place.
fn text(body: &mut Body, cx: &mut Context<'_>) -> Option<Bytes> {
    body.size_hint().exact().filter(|length| *length <= LONGEST_REJECTION)?;
    let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut *body).poll_frame(cx) else { return None };
    let data = frame.into_data().ok()?;
    if body.is_end_stream() {
        *body = Body::from(data.clone());
        return Some(data);
    }
    let rest = std::mem::take(body).into_data_stream();
    *body = Body::from_stream(stream::iter([Ok(data)]).chain(rest));
    None
}
