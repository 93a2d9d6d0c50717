//! A body that is followed to its end.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{End, Tracking};

pin_project! {
    /// The body of a stream.
    pub(crate) struct Tracked {
        #[pin]
        body: Body,
        tracking: Option<Tracking>,
    }
}

// === impl Tracked ===

impl Tracked {
    pub(crate) fn new(body: Body, tracking: Tracking) -> Self {
        Self { body, tracking: Some(tracking) }
    }
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(cx));
        if let Some(tracking) = this.tracking {
            match &frame {
                Some(Ok(part)) => {
                    tracking.bytes += part.data_ref().map_or(0, |data| data.len() as u64);
                    return Poll::Ready(frame);
                }
                Some(Err(_)) => tracking.end = End::Failed,
                None => tracking.end = End::Complete,
            }
        }
        // It is over now, whenever the server gets round to dropping it.
        *this.tracking = None;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
