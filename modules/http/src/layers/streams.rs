//! Requests are followed to their answer, and streams to their end.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    response::Response,
};
use http::StatusCode;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::label::Label;
use crate::stream::{Streams, Tracked, Tracker};

/// Tells handlers of the drain, and follows answers that go on; see [`stream`](crate::stream). A
/// request that was cut before it had an answer is noted for the stop report.
#[derive(Clone)]
pub(super) struct Follow {
    streams: Streams,
    label: Label,
}

#[derive(Clone)]
pub(super) struct Followed<S> {
    inner: S,
    layer: Follow,
}

pin_project! {
    pub(super) struct FollowedFuture<F> {
        #[pin]
        inner: F,
        // Until there is an answer.
        tracker: Option<Tracker>,
    }

    impl<F> PinnedDrop for FollowedFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(tracker) = this.project().tracker.take() {
                tracker.unanswered();
            }
        }
    }
}

// === impl Follow ===

impl Follow {
    pub(super) fn new(streams: Streams, label: Label) -> Self {
        Self { streams, label }
    }
}

impl<S> Layer<S> for Follow {
    type Service = Followed<S>;

    fn layer(&self, inner: S) -> Followed<S> {
        Followed { inner, layer: self.clone() }
    }
}

// === impl Followed ===

impl<S: Service<Request, Response = Response>> Service<Request> for Followed<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = FollowedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let route = self.layer.label.of(&request);
        let tracker = Tracker { streams: self.layer.streams.clone(), route };
        request.extensions_mut().insert(tracker.clone());
        FollowedFuture { inner: self.inner.call(request), tracker: Some(tracker) }
    }
}

impl<F, E> Future for FollowedFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx));
        let tracker = this.tracker.take();
        let response = response?;
        // An upgraded connection has no body; whoever upgrades it follows it.
        let goes_on = response.body().size_hint().exact().is_none()
            && response.status() != StatusCode::SWITCHING_PROTOCOLS;
        Poll::Ready(Ok(match tracker.filter(|_| goes_on) {
            Some(tracker) => response.map(|body| Body::new(Tracked::new(body, tracker.track()))),
            None => response,
        }))
    }
}
