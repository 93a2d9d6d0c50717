use std::{iter::repeat_n, time::Duration};

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;

use super::Received;

/// What a [`MockServer`](super::MockServer) answers with: a [`Reply`], a [`Sequence`] of them, or a
/// function from the request.
///
/// ```
/// # use purlin_testing::{MockServer, Received, Reply, When};
/// # let bank = MockServer::start().lenient();
/// bank.mock(When::get("/echo"), |request: &Received| {
///     Reply::status(200).text(request.query("say").unwrap_or_default())
/// });
/// ```
pub trait Answer: Send + Sync + 'static {
    /// The answer to the `call`, counted from 0.
    fn answer(&self, call: usize, request: &Received) -> Reply;
}

/// One answer.
#[derive(Debug, Clone)]
#[must_use = "it answers nothing until it is given to `MockServer::mock`"]
pub struct Reply {
    pub(super) after: Duration,
    pub(super) ending: Ending,
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
    /// The most bytes of a piece of the body, and the pause before each.
    pub(super) pieces: Option<(usize, Duration)>,
    /// Whether it may go out; set when it is given.
    pub(super) gate: Option<watch::Receiver<bool>>,
}

/// Whether a request is answered at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Answer,
    Cut,
    Silence,
}

/// Answers one after the other; the last one stays. Made by [`Reply::times`] and [`Reply::then`].
#[derive(Debug, Clone)]
#[must_use = "it answers nothing until it is given to `MockServer::mock`"]
pub struct Sequence(Vec<Reply>);

// === impl Reply ===

impl Reply {
    /// An answer without a body.
    ///
    /// # Panics
    /// When there is no such status.
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("a status has three digits");
        Self {
            after: Duration::ZERO,
            ending: Ending::Answer,
            status,
            headers: Vec::new(),
            body: Bytes::new(),
            pieces: None,
            gate: None,
        }
    }

    /// An answer with status 200 and this JSON.
    ///
    /// # Panics
    /// When `body` cannot be written as JSON.
    pub fn ok<T: Serialize + ?Sized>(body: &T) -> Self {
        Self::status(200).json(body)
    }

    /// A problem, as services of ours answer ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
    ///
    /// # Panics
    /// When there is no such status.
    pub fn problem(status: u16, code: &str, detail: impl Into<String>) -> Self {
        let (reply, detail) = (Self::status(status), detail.into());
        let title = reply.status.canonical_reason().unwrap_or("Error");
        reply
            .json(&json!({
                "type": "about:blank",
                "title": title,
                "status": status,
                "detail": detail,
                "code": code,
            }))
            .header(CONTENT_TYPE.as_str(), "application/problem+json")
    }

    /// No answer: the connection is closed.
    pub fn cut() -> Self {
        Self { ending: Ending::Cut, ..Self::status(500) }
    }

    /// No answer, and the connection stays open.
    pub fn silence() -> Self {
        Self { ending: Ending::Silence, ..Self::status(500) }
    }

    /// Sets the body, as JSON.
    ///
    /// # Panics
    /// When `body` cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        let body = serde_json::to_vec(body).expect("what is answered can be written as JSON");
        self.body(body).header(CONTENT_TYPE.as_str(), "application/json")
    }

    /// Sets the body, as text.
    pub fn text(self, body: impl Into<String>) -> Self {
        self.body(body.into()).header(CONTENT_TYPE.as_str(), "text/plain; charset=utf-8")
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Sets a header.
    ///
    /// # Panics
    /// When name or value is none.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::try_from(name).expect("a header has a valid name");
        let value = HeaderValue::try_from(value).expect("a header has a valid value");
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
        self
    }

    /// Sets `Retry-After`, in seconds.
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header(RETRY_AFTER.as_str(), &seconds.to_string())
    }

    /// Waits before the answer, by the clock of the server.
    pub fn after(self, delay: Duration) -> Self {
        Self { after: delay, ..self }
    }

    /// Sends the body in pieces of so many bytes, with a pause before each, by the clock of the
    /// server.
    pub fn slowly(self, bytes: usize, pause: Duration) -> Self {
        Self { pieces: Some((bytes.max(1), pause)), ..self }
    }

    /// Answers so often with this, before what [follows](Sequence::then).
    pub fn times(self, times: usize) -> Sequence {
        Sequence(repeat_n(self, times).collect())
    }

    /// Answers once with this, and then with `next`.
    pub fn then(self, next: impl Into<Sequence>) -> Sequence {
        self.times(1).then(next)
    }
}

impl Answer for Reply {
    fn answer(&self, _: usize, _: &Received) -> Reply {
        self.clone()
    }
}

// === impl Sequence ===

impl Sequence {
    /// What comes after these.
    pub fn then(mut self, next: impl Into<Self>) -> Self {
        self.0.extend(next.into().0);
        self
    }
}

impl From<Reply> for Sequence {
    fn from(reply: Reply) -> Self {
        reply.times(1)
    }
}

impl Answer for Sequence {
    fn answer(&self, call: usize, _: &Received) -> Reply {
        let reply = self.0.get(call).or(self.0.last());
        reply.cloned().unwrap_or_else(|| Reply::status(500))
    }
}

// === impl Fn ===

impl<F: Fn(&Received) -> Reply + Send + Sync + 'static> Answer for F {
    fn answer(&self, _: usize, request: &Received) -> Reply {
        self(request)
    }
}
