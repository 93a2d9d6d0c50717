//! The rejections of axum's extractors, which are plain text.

use http::StatusCode;

use super::{
    Problem,
    path::{REJECTED, invalid_path},
};

/// How the texts begin, by status. The integration tests provoke each of them, so that a new
/// version of axum with other words is noticed.
const REJECTIONS: [(u16, &str); 14] = [
    (400, "Failed to parse the request body as JSON"),
    (400, "Failed to deserialize form"),
    (400, "Failed to deserialize query string"),
    (400, "Failed to buffer the request body"),
    (400, "Request body didn't contain valid UTF-8"),
    (400, REJECTED),
    (413, "Failed to buffer the request body"),
    (415, "Expected request with `Content-Type: application/json`"),
    (415, "Form requests must have `Content-Type: application/x-www-form-urlencoded`"),
    (422, "Failed to deserialize the JSON body into the target type"),
    (422, "Failed to deserialize form body"),
    (500, "Missing request extension"),
    (500, "No paths parameters found for matched route"),
    (500, "Wrong number of path arguments for `Path`"),
];

/// How `purlin_serve::SlowBodyError` begins.
const SLOW_BODY: &str = "nothing more of the request body came within";

/// The longest text that is looked at. A rejection quotes at most a value of the request.
pub(crate) const LONGEST_REJECTION: u64 = 16 * 1024;

/// The problem for a rejection, if `text` is one. `route` is the template of the route.
///
/// A rejection with status 500 means that a handler and its route do not fit together. It is logged
/// here and not shown.
pub(crate) fn from_rejection(
    status: StatusCode,
    text: &[u8],
    route: Option<&str>,
) -> Option<Problem> {
    let known = |(number, beginning): &(u16, &str)| {
        status == *number && text.starts_with(beginning.as_bytes())
    };
    let (_, beginning) = REJECTIONS.iter().find(|rejection| known(rejection))?;
    let text = String::from_utf8_lossy(text);
    // Axum wraps what reading a body gave it, and knows of one status for all of it but a 413.
    if text.contains(SLOW_BODY) {
        return Some(Problem::new(StatusCode::REQUEST_TIMEOUT).detail(text));
    }
    if status.is_server_error() {
        tracing::error!(rejection = &*text, "a handler does not fit its route");
        return Some(Problem::internal());
    }
    if *beginning == REJECTED {
        return Some(invalid_path(&text, route));
    }
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return Some(Problem::new(status).detail("the body is larger than is allowed here"));
    }
    Some(Problem::new(status).detail(text))
}
