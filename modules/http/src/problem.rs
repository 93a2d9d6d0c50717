//! Errors as callers see them: problem details ([RFC 9457]).
//!
//! A handler returns an error that derives `ServiceError`, and the caller gets a [`Problem`] with
//! the status of its code:
//!
//! | code | status |
//! |---|---|
//! | `InvalidArgument`, `OutOfRange` | 422 (a syntax error is 400) |
//! | `Unauthenticated` | 401 |
//! | `PermissionDenied` | 403 |
//! | `NotFound` | 404 |
//! | `AlreadyExists`, `FailedPrecondition`, `Aborted` | 409 |
//! | `ResourceExhausted` | 429 |
//! | `Cancelled` | 499 |
//! | `Unknown`, `Internal`, `DataLoss` | 500: logged with its causes, shown without them |
//! | `Unimplemented` | 501 |
//! | `Unavailable` | 503 |
//! | `DeadlineExceeded` | 504 |
//!
//! Three kinds of answer become problems on their way out, in the layer `http.layers.problems`:
//! - a [`Problem`] made in a handler, an extractor or a layer gets its `instance`, its
//!   `correlation_id` and, inside of a trace, its `trace_id`;
//! - an error without a body (`StatusCode::NOT_FOUND`, axum's own 404 and 405) gets one;
//! - a rejection of one of axum's extractors, which is plain text. It is told from a text of a
//!   handler by its status and its wording, which is compared with the rejections of this version
//!   of axum; any other body is left as it is. A parameter of the path that is wrong is named, in
//!   `detail` and in `errors`.
//!
//! [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457

mod path;
mod rejection;
mod transport;

use std::borrow::Cow;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use purlin::{
    error::{Code, ServiceError},
    trace,
};
use serde::{Serialize, Serializer};

pub use self::transport::respond;
pub(crate) use self::{
    path::invalid_path,
    rejection::{LONGEST_REJECTION, from_rejection},
    transport::chain,
};

/// The media type of a problem.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An error as callers see it.
///
/// ```
/// use http::StatusCode;
/// use purlin_http::problem::Problem;
///
/// let problem = Problem::new(StatusCode::NOT_FOUND).detail("order 7 does not exist");
/// assert_eq!(problem.code, "not_found");
/// assert_eq!(
///     serde_json::to_string(&problem).unwrap(),
///     r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"order 7 does not exist","code":"not_found"}"#,
/// );
/// ```
/// It is a response, so that a handler may return it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of problem it is, as a URI; `about:blank` says no more than the status.
    pub kind: Cow<'static, str>,
    /// The kind in words, the same for all problems of a kind.
    pub title: Cow<'static, str>,
    /// The status of the answer.
    pub status: StatusCode,
    /// What happened this time.
    pub detail: Option<Box<str>>,
    /// The kind for programs: the name of the [`Code`], or of the status where there is none.
    pub code: Cow<'static, str>,
    /// The fields that are wrong.
    pub errors: Vec<FieldError>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FieldError {
    /// The path of the field: `customer`, `lines[0].amount_cents`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// A problem as it is written, with what it says of the request.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

/// The problem from which a response was made, for the layer that completes it.
#[derive(Clone)]
struct Origin(Box<Problem>);

// === impl Problem ===

impl Problem {
    /// A problem that says no more than its status.
    pub fn new(status: StatusCode) -> Self {
        Self {
            kind: Cow::Borrowed("about:blank"),
            title: Cow::Borrowed(status.canonical_reason().unwrap_or("Error")),
            status,
            detail: None,
            code: code_of(status),
            errors: Vec::new(),
        }
    }

    /// A problem with the status and the name of a code.
    pub fn from_code(code: Code) -> Self {
        let status = StatusCode::from_u16(code.http_status()).expect("a code has a valid status");
        let title = if code == Code::Cancelled { "Client Closed Request" } else { "" };
        let problem = Self { code: Cow::Borrowed(code.name()), ..Self::new(status) };
        if title.is_empty() { problem } else { problem.title(title) }
    }

    /// A fault of the service, of which the caller learns nothing more. Log its cause.
    pub fn internal() -> Self {
        Self::from_code(Code::Internal)
    }

    /// A request whose fields are wrong: 422, with all of them.
    pub fn invalid(errors: impl IntoIterator<Item = FieldError>) -> Self {
        let mut errors: Vec<_> = errors.into_iter().collect();
        errors.sort();
        let detail = match errors.as_slice() {
            [] => "the request is not valid".to_owned(),
            [one] => format!("`{}` {}", one.field, one.message),
            many => format!("{} fields are not valid", many.len()),
        };
        Self { errors, ..Self::from_code(Code::InvalidArgument).detail(detail) }
    }

    /// Sets what happened.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Box<str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Sets the title.
    #[must_use]
    pub fn title(mut self, title: impl Into<Cow<'static, str>>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets the kind for programs.
    #[must_use]
    pub fn code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = code.into();
        self
    }

    /// Sets the kind, as a URI.
    #[must_use]
    pub fn kind(mut self, uri: impl Into<Cow<'static, str>>) -> Self {
        self.kind = uri.into();
        self
    }

    /// The problem that a response was made from.
    pub(crate) fn take(response: &mut Response) -> Option<Self> {
        response.extensions_mut().remove::<Origin>().map(|origin| *origin.0)
    }

    /// Writes the problem as the body of `response`, with the path and the identifiers of the
    /// request. Other headers stay: `Allow`, `Retry-After`.
    pub(crate) fn write_to(
        &self,
        response: &mut Response,
        instance: Option<&str>,
        correlation_id: Option<&str>,
    ) {
        let trace_id = trace::current().map(|trace| trace.trace_id().to_string());
        let written = Written { instance, correlation_id, trace_id, ..self.written() };
        let body = serde_json::to_vec(&written).expect("a problem has only string keys");
        *response.status_mut() = self.status;
        response.headers_mut().remove(CONTENT_LENGTH);
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        *response.body_mut() = Body::from(body);
    }

    fn written(&self) -> Written<'_> {
        Written {
            kind: &self.kind,
            title: &self.title,
            status: self.status.as_u16(),
            detail: self.detail.as_deref(),
            instance: None,
            code: &self.code,
            correlation_id: None,
            trace_id: None,
            errors: &self.errors,
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written().serialize(serializer)
    }
}

impl<E: ServiceError> From<&E> for Problem {
    fn from(error: &E) -> Self {
        transport::problem(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        self.write_to(&mut response, None, None);
        response.extensions_mut().insert(Origin(Box::new(self)));
        response
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        problem.into_response()
    }
}

// === impl FieldError ===

impl FieldError {
    /// An error of one field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// The name of a status: that of the canonical code where there is one.
fn code_of(status: StatusCode) -> Cow<'static, str> {
    Cow::Borrowed(match status.as_u16() {
        400 | 422 => Code::InvalidArgument.name(),
        401 => Code::Unauthenticated.name(),
        403 => Code::PermissionDenied.name(),
        404 => Code::NotFound.name(),
        429 => Code::ResourceExhausted.name(),
        500 => Code::Internal.name(),
        501 => Code::Unimplemented.name(),
        503 => Code::Unavailable.name(),
        504 => Code::DeadlineExceeded.name(),
        _ => {
            let reason = status.canonical_reason().unwrap_or("error");
            return Cow::Owned(reason.to_ascii_lowercase().replace([' ', '-'], "_"));
        }
    })
}
