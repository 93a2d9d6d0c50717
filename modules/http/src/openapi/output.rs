use axum::{
    Json,
    response::{Html, NoContent, Redirect, Response, Sse},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use purlin::error::ServiceError;
use schemars::JsonSchema;
use serde_json::json;

use super::Operation;
use crate::{Created, Problem};

/// A response that says what it is.
///
/// What a handler returns in `Err` is a [`Failure`].
/// ```
/// use http::StatusCode;
/// use purlin_http::openapi::{Operation, Output};
///
/// struct Picture(Vec<u8>);
///
/// impl Output for Picture {
///     fn describe(operation: &mut Operation<'_>) {
///         operation.response_of(StatusCode::OK, Some(("image/png", serde_json::json!({}))));
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it answers",
    note = "the type in `Json` or `Created` derives `schemars::JsonSchema`; a response of your own implements `Output`"
)]
pub trait Output {
    /// Adds the response.
    fn describe(operation: &mut Operation<'_>);
}

/// An error of a handler that says which problems it may be: one that derives `ServiceError`.
pub trait Failure {
    /// Adds the problems.
    fn describe(operation: &mut Operation<'_>);
}

impl<E: ServiceError> Failure for E {
    fn describe(operation: &mut Operation<'_>) {
        for code in E::codes() {
            operation.problem(code);
        }
    }
}

/// It may be any.
impl Failure for Problem {
    fn describe(_: &mut Operation<'_>) {}
}

impl<T: Output, E: Failure> Output for Result<T, E> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
        E::describe(operation);
    }
}

impl<T: JsonSchema> Output for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.response::<T>(StatusCode::OK, "application/json");
    }
}

impl<T: JsonSchema> Output for Created<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.response::<T>(StatusCode::CREATED, "application/json");
        let schema = json!({ "type": "string", "format": "uri-reference" });
        operation.response_header("Location", &schema, "Where it is found.");
    }
}

impl Output for () {
    fn describe(operation: &mut Operation<'_>) {
        operation.response_of(StatusCode::OK, None);
    }
}

impl Output for NoContent {
    fn describe(operation: &mut Operation<'_>) {
        operation.response_of(StatusCode::NO_CONTENT, None);
    }
}

impl Output for Redirect {
    fn describe(operation: &mut Operation<'_>) {
        operation.response_of(StatusCode::SEE_OTHER, None);
    }
}

impl<S> Output for Sse<S> {
    fn describe(operation: &mut Operation<'_>) {
        let schema = json!({ "type": "string", "description": "Server-sent events, without end." });
        operation.response_of(StatusCode::OK, Some(("text/event-stream", schema)));
    }
}

impl<T> Output for Html<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.response_of(StatusCode::OK, Some(("text/html", json!({ "type": "string" }))));
    }
}

impl Output for Bytes {
    fn describe(operation: &mut Operation<'_>) {
        operation.response_of(StatusCode::OK, Some(("application/octet-stream", json!({}))));
    }
}

impl Output for Vec<u8> {
    fn describe(operation: &mut Operation<'_>) {
        Bytes::describe(operation);
    }
}

impl Output for String {
    fn describe(operation: &mut Operation<'_>) {
        operation.response_of(StatusCode::OK, Some(("text/plain", json!({ "type": "string" }))));
    }
}

impl Output for &'static str {
    fn describe(operation: &mut Operation<'_>) {
        String::describe(operation);
    }
}

/// Nothing is known of it.
impl Output for Response {
    fn describe(operation: &mut Operation<'_>) {
        operation.with_any_status(|_| {});
    }
}

impl Output for StatusCode {
    fn describe(operation: &mut Operation<'_>) {
        operation.with_any_status(|_| {});
    }
}

impl<T: Output> Output for (StatusCode, T) {
    fn describe(operation: &mut Operation<'_>) {
        operation.with_any_status(T::describe);
    }
}

impl<T: Output> Output for (HeaderMap, T) {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
    }
}

impl<K, V, T: Output, const N: usize> Output for ([(K, V); N], T) {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
    }
}
