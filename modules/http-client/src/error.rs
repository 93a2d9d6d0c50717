use std::{error::Error as StdError, fmt};

use http::{Method, StatusCode};
use purlin::{
    config::Conflict,
    error::{Code, ServiceError},
};

/// What lies below an error of the transport.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// A request has no answer, or not the one that was asked for.
///
/// It says the method, the address without its query, what happened, and how often it was tried:
///
/// ```text
/// POST http://payments:8080/v1/charges: the connection could not be made: Connection refused (os error 111) (attempt 3; no attempts are left)
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{method} {url}: {kind}")]
pub struct Error {
    /// The method.
    pub method: Method,
    /// The address, without its query.
    pub url: String,
    /// What happened; the text says it, down to its cause.
    pub kind: ErrorKind,
}

/// Why a request has no answer, or not the one that was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no answer: the guard says why.
    #[error(transparent)]
    Guard(purlin_resilience::Error<Broken>),
    /// The answer is one of refusal.
    #[error("the answer is {status}{}{}", Detail(.detail.as_deref()), Attempts(*.attempts))]
    Status {
        /// The status.
        status: StatusCode,
        /// What the problem in the answer says, if there is one.
        detail: Option<Box<str>>,
        /// How often it was attempted.
        attempts: u32,
    },
    /// The answer is not of the form that was asked for.
    #[error("the answer cannot be read as `{wanted}`: {source}")]
    Decode {
        /// The type that was asked for.
        wanted: &'static str,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The request could not be made.
    #[error("the request cannot be made: {0}")]
    Invalid(Box<str>),
    /// The client takes no more requests: the application stops.
    #[error("the client is closed, because the application stops")]
    Closed,
}

/// An attempt that has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// The connection could not be made; nothing was sent.
    #[error("the connection could not be made: {}", root(.0))]
    Connect(Cause),
    /// The connection broke before the head of the answer was there.
    #[error("the connection broke: {}", root(.0))]
    Request(Cause),
    /// The connection broke in the middle of the answer.
    #[error("the answer broke off: {}", root(.0))]
    Body(Cause),
    /// The answer is larger than it may be.
    #[error("the answer is larger than {limit} bytes; see `max_response`")]
    TooLarge {
        /// The most bytes.
        limit: usize,
    },
}

/// A client cannot be made from its configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The address is none that can be called; see [`HttpClientConfig::check`].
    ///
    /// [`HttpClientConfig::check`]: crate::HttpClientConfig::check
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// There is not what `auth.kind` sends.
    #[error("in `auth`: {0}")]
    Auth(Conflict),
    /// The name of the header of `api_key` is none.
    #[error("`auth.header` is no name of a header")]
    Header,
    /// The `User-Agent` cannot be in a header.
    #[error("`user_agent` cannot be in a header")]
    UserAgent,
    /// The files of TLS cannot be used.
    #[cfg(feature = "tls")]
    #[error("TLS cannot be set up")]
    Tls(#[from] purlin_tls::TlsError),
}

// === impl Error ===

impl Error {
    /// The status, where the answer is one of refusal.
    pub fn status(&self) -> Option<StatusCode> {
        match self.kind {
            ErrorKind::Status { status, .. } => Some(status),
            _ => None,
        }
    }

    /// How often it was attempted; 0 when nothing was sent.
    pub fn attempts(&self) -> u32 {
        match &self.kind {
            ErrorKind::Guard(error) => error.attempts(),
            ErrorKind::Status { attempts, .. } => *attempts,
            ErrorKind::Decode { .. } => 1,
            ErrorKind::Invalid(_) | ErrorKind::Closed => 0,
        }
    }
}

/// What it means for whoever called this service: an upstream that is down or asks for patience is
/// `Unavailable`, one that does not answer in time `DeadlineExceeded`; an answer of refusal to a
/// request of ours is `Internal`.
impl ServiceError for Error {
    fn code(&self) -> Code {
        match &self.kind {
            ErrorKind::Guard(error) => error.code_or(|broken| match broken {
                Broken::TooLarge { .. } => Code::Internal,
                _ => Code::Unavailable,
            }),
            ErrorKind::Status { status: StatusCode::GATEWAY_TIMEOUT, .. } => Code::DeadlineExceeded,
            ErrorKind::Status { status, .. }
                if status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS =>
            {
                Code::Unavailable
            }
            ErrorKind::Closed => Code::Unavailable,
            ErrorKind::Status { .. } | ErrorKind::Decode { .. } | ErrorKind::Invalid(_) => {
                Code::Internal
            }
        }
    }

    /// Which upstream it was is not for callers.
    fn detail(&self) -> Option<String> {
        None
    }
}

// === impl Broken ===

impl Broken {
    /// From the error of an attempt that has not got the head of its answer.
    pub(crate) fn of(error: hyper_util::client::legacy::Error) -> Self {
        if error.is_connect() { Self::Connect(error.into()) } else { Self::Request(error.into()) }
    }

    /// The kind, as a label.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect_error",
            Self::Request(_) | Self::Body(_) => "broken",
            Self::TooLarge { .. } => "too_large",
        }
    }
}

/// What lies at the bottom: what is above it says "client error" in several ways.
fn root(error: &Cause) -> &(dyn StdError + 'static) {
    let mut root: &(dyn StdError + 'static) = &**error;
    while let Some(source) = root.source() {
        root = source;
    }
    root
}

struct Detail<'a>(Option<&'a str>);

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}

struct Attempts(u32);

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 | 1 => Ok(()),
            attempts => write!(f, " (attempt {attempts})"),
        }
    }
}
