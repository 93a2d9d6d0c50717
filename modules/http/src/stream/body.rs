//! A body that is followed to its end.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::{Origin, Tracking};

/// The body of a stream, which goes on in the course of its request.
pub(crate) struct Tracked {
    origin: Origin,
    /// Gone when it has ended, whenever the server gets round to dropping this.
    stream: Option<(Body, Tracking)>,
}

// === impl Tracked ===

impl Tracked {
    /// Follows a body, whose request is being answered here.
    pub(crate) fn new(body: Body, tracking: Tracking) -> Self {
        Self { origin: Origin::current(), stream: Some((body, tracking)) }
    }
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { origin, stream } = &mut *self;
        origin.within(|| {
            let Some((body, tracking)) = stream else {
                return Poll::Ready(None);
            };
            let frame = ready!(Pin::new(body).poll_frame(cx));
            if !tracking.note(&frame) {
                *stream = None;
            }
            Poll::Ready(frame)
        })
    }

    fn is_end_stream(&self) -> bool {
        self.stream.as_ref().is_none_or(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let ended = || SizeHint::with_exact(0);
        self.stream.as_ref().map_or_else(ended, |(body, _)| body.size_hint())
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        let Self { origin, stream } = self;
        origin.within(|| *stream = None);
    }
}
