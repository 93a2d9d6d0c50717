use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use purlin_core::clock::Instant;

use crate::{BoxError, Limits, alarm::Alarm, connection::Track};

/// The body of a request, no longer than [`Limits::max_body_bytes`](crate::Limits::max_body_bytes).
///
/// Reading past the limit fails with [`LengthLimitError`], the error that axum's extractors answer
/// with 413; where the head already declares more, the first read does. Waiting longer than
/// [`Limits::body_read_timeout`](crate::Limits::body_read_timeout) for a piece of it fails with
/// [`SlowBodyError`].
pub struct RequestBody {
    body: Limited<Incoming>,
    /// The head declares more than the limit.
    too_large: bool,
    /// Who watches the reading; `None` for an empty body.
    reading: Option<Reading>,
}

struct Reading {
    /// Learns that the body was not read to its end.
    track: Arc<Track>,
    /// Where it has had to be waited for; apart, since most bodies come with their head.
    waiting: Option<Box<Waiting>>,
}

struct Waiting {
    /// Since when the next piece is awaited.
    since: Option<Instant>,
    alarm: Alarm,
}

/// No piece of a request body has come for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing more of the request body came within {after:?}")]
#[non_exhaustive]
pub struct SlowBodyError {
    /// [`Limits::body_read_timeout`](crate::Limits::body_read_timeout).
    pub after: Duration,
}

/// A request body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadBodyError {
    /// It is longer than allowed.
    #[error("the request body is larger than {limit} bytes, the limit of this server")]
    TooLarge {
        /// [`Limits::max_body_bytes`](crate::Limits::max_body_bytes).
        limit: usize,
    },
    /// It came too slowly.
    #[error(transparent)]
    TooSlow(SlowBodyError),
    /// The client sent a broken one, or went away.
    #[error("the request body ended early or is malformed")]
    Broken(#[source] BoxError),
}

// === impl RequestBody ===

impl RequestBody {
    pub(crate) fn new(body: Incoming, track: &Arc<Track>) -> Self {
        let reading =
            (!body.is_end_stream()).then(|| Reading { track: Arc::clone(track), waiting: None });
        let limit = track.terms.limits.max_body_bytes;
        let declared = usize::try_from(body.size_hint().lower());
        let too_large = declared.map_or(true, |length| length > limit);
        Self { body: Limited::new(body, limit), too_large, reading }
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// [`ReadBodyError`], which knows the status to answer with.
    pub async fn bytes(self) -> Result<Bytes, ReadBodyError> {
        // An empty body is never too large.
        let limit = self.reading.as_ref().map_or(0, |reading| reading.limits().max_body_bytes);
        match self.collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(ReadBodyError::TooLarge { limit }),
            Err(error) => Err(match SlowBodyError::find(&*error) {
                Some(slow) => ReadBodyError::TooSlow(slow),
                None => ReadBodyError::Broken(error),
            }),
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if this.too_large {
            // `Limited` looks at what it has read, and nobody else can make its error. Its client may
            // be waiting for a word before it sends anything.
            let mut too_large = Limited::new(Full::new(Bytes::from_static(b"x")), 0);
            return Pin::new(&mut too_large).poll_frame(cx);
        }
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        let Some(reading) = &mut this.reading else {
            return frame;
        };
        if frame.is_ready() {
            if let Some(waiting) = &mut reading.waiting {
                waiting.since = None;
            }
            return frame;
        }
        let slow = ready!(reading.poll_patience(cx));
        Poll::Ready(Some(Err(Box::new(slow))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(reading) = &self.reading
            && !self.body.is_end_stream()
        {
            reading.track.leave_body_unread();
        }
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").finish_non_exhaustive()
    }
}

// === impl Reading ===

impl Reading {
    fn limits(&self) -> &Limits {
        &self.track.terms.limits
    }

    /// Resolves when the next piece has been awaited for too long.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<SlowBodyError> {
        let patience = self.limits().body_read_timeout;
        let clock = &self.track.terms.clock;
        let waiting = self.waiting.get_or_insert_with(|| {
            Box::new(Waiting { since: None, alarm: Alarm::new(clock.clone()) })
        });
        let now = clock.now();
        let since = *waiting.since.get_or_insert(now);
        ready!(waiting.alarm.poll(cx, now, since + patience));
        self.track.time_out_body();
        Poll::Ready(SlowBodyError { after: patience })
    }
}

// === impl SlowBodyError ===

impl SlowBodyError {
    /// Finds it in an error or among its causes: extractors wrap what reading a body gave them.
    pub fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut causes = std::iter::successors(Some(error), |&error| error.source());
        causes.find_map(|error| error.downcast_ref::<Self>().copied())
    }
}

// === impl ReadBodyError ===

impl ReadBodyError {
    /// The status to answer with: 413, 408 or 400.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }
}
