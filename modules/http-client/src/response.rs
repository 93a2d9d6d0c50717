use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header::CONTENT_TYPE};
use serde::{Deserialize, de::DeserializeOwned};

use crate::error::{Error, ErrorKind};

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Response {
    pub(crate) method: Method,
    /// The address, without its query.
    pub(crate) url: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) attempts: u32,
}

/// What is read of a problem.
#[derive(Deserialize)]
struct Problem {
    detail: Option<Box<str>>,
    title: Option<Box<str>>,
}

// === impl Response ===

impl Response {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// How often it was attempted.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The answer, if its status is one of success.
    ///
    /// # Errors
    /// [`ErrorKind::Status`], with the detail of the problem ([RFC 9457]) where the answer is one.
    ///
    /// [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457
    pub fn success(self) -> Result<Self, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        let (status, detail, attempts) = (self.status, self.problem(), self.attempts);
        Err(self.error(ErrorKind::Status { status, detail, attempts }))
    }

    /// The body as JSON, whatever the status is.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] when it is none, or not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|source| {
            self.error(ErrorKind::Decode { wanted: std::any::type_name::<T>(), source })
        })
    }

    fn problem(&self) -> Option<Box<str>> {
        let media_type = self.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let problem: Problem = media_type
            .starts_with("application/problem+json")
            .then(|| serde_json::from_slice(&self.body).ok())??;
        problem.detail.or(problem.title)
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error { method: self.method.clone(), url: self.url.clone(), kind }
    }
}
