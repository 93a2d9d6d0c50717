use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use crate::{BoxError, connection::Track};

/// The body of a request, no longer than [`Limits::max_body_bytes`](crate::Limits::max_body_bytes).
///
/// Reading past the limit fails with [`LengthLimitError`], the error that axum's extractors answer
/// with 413; where the head already declares more, the first read does.
pub struct RequestBody {
    body: Limited<Incoming>,
    limit: usize,
    /// Who learns that the body was not read to its end; `None` for an empty one.
    track: Option<Arc<Track>>,
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
    /// The client sent a broken one, or went away.
    #[error("the request body ended early or is malformed")]
    Broken(#[source] BoxError),
}

// === impl RequestBody ===

impl RequestBody {
    pub(crate) fn new(body: Incoming, limit: usize, track: &Arc<Track>) -> Self {
        let track = (!body.is_end_stream()).then(|| Arc::clone(track));
        // `Limited` looks at what it has read, not at what is declared; with nothing left to read
        // it fails at the first chunk instead of the one that is too much.
        let too_large = usize::try_from(body.size_hint().lower()).map_or(true, |len| len > limit);
        let left = if too_large { 0 } else { limit };
        Self { body: Limited::new(body, left), limit, track }
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// [`ReadBodyError`], which knows the status to answer with.
    pub async fn bytes(self) -> Result<Bytes, ReadBodyError> {
        let limit = self.limit;
        match self.collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(ReadBodyError::TooLarge { limit }),
            Err(error) => Err(ReadBodyError::Broken(error)),
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
        Pin::new(&mut self.body).poll_frame(cx)
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
        if let Some(track) = &self.track
            && !self.body.is_end_stream()
        {
            track.leave_body_unread();
        }
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").field("limit", &self.limit).finish_non_exhaustive()
    }
}

// === impl ReadBodyError ===

impl ReadBodyError {
    /// The status to answer with: 413 or 400.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }
}
