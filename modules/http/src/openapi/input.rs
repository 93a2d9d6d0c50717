use axum::{
    Extension, Form, Json,
    extract::{
        ConnectInfo, MatchedPath, OriginalUri, Path, Query, RawQuery, Request, State,
        WebSocketUpgrade,
    },
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, Version};
use purlin::error::Code;
use schemars::JsonSchema;
use serde_json::json;

use super::{In, Operation};
use crate::{CorrelationId, CursorPage, Page, Principal, Valid, stream::Drain};

/// An extractor that says what it reads of a request.
///
/// ```
/// use purlin_http::openapi::{In, Input, Operation};
///
/// struct ApiVersion(String);
///
/// impl Input for ApiVersion {
///     fn describe(operation: &mut Operation<'_>) {
///         operation.parameter::<String>(In::Header, "x-api-version", false);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it reads of a request",
    note = "the type in `Json`, `Form`, `Query` or `Path` derives `schemars::JsonSchema`; an extractor of your own implements `Input`"
)]
pub trait Input {
    /// Adds what it reads. At first that is nothing that a caller sees.
    fn describe(operation: &mut Operation<'_>) {
        let _ = operation;
    }
}

macro_rules! unseen {
    ($($extractor:ty $(: $($generic:ident)+)?;)+) => {
        $(impl $(<$($generic),+>)? Input for $extractor {})+
    };
}

unseen! {
    State<T>: T;
    Extension<T>: T;
    ConnectInfo<T>: T;
    MatchedPath;
    OriginalUri;
    RawQuery;
    HeaderMap;
    Method;
    Uri;
    Version;
    http::Extensions;
    CorrelationId;
    Principal;
    Drain;
}

impl<T: JsonSchema> Input for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.body::<T>("application/json");
        of_a_body(operation);
        operation.problem(Code::InvalidArgument);
    }
}

impl<T: JsonSchema> Input for Form<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.body::<T>("application/x-www-form-urlencoded");
        of_a_body(operation);
        operation.problem(Code::InvalidArgument);
    }
}

impl<T: JsonSchema> Input for Query<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.parameters::<T>(In::Query);
        operation.refusal(400, "invalid_argument");
    }
}

impl<T: JsonSchema> Input for Path<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.path = Some(operation.schemas.resolved::<T>());
        operation.refusal(400, "invalid_argument");
        operation.refusal(404, "not_found");
    }
}

impl<E: Input> Input for Valid<E> {
    fn describe(operation: &mut Operation<'_>) {
        E::describe(operation);
        operation.problem(Code::InvalidArgument);
    }
}

impl Input for Bytes {
    fn describe(operation: &mut Operation<'_>) {
        operation.body_of("application/octet-stream", json!({}));
        operation.refusal(413, "payload_too_large");
    }
}

impl Input for String {
    fn describe(operation: &mut Operation<'_>) {
        operation.body_of("text/plain", json!({ "type": "string" }));
        operation.refusal(413, "payload_too_large");
    }
}

impl Input for Request {
    fn describe(operation: &mut Operation<'_>) {
        operation.body_of("*/*", json!({}));
        operation.optional();
    }
}

impl Input for Page {
    fn describe(operation: &mut Operation<'_>) {
        limit(operation);
        let offset = json!({
            "type": "integer", "format": "int64", "minimum": 0, "default": 0,
            "description": "How many items lie before.",
        });
        operation.parameter_of(In::Query, "offset", false, offset);
        operation.problem(Code::InvalidArgument);
    }
}

impl Input for CursorPage {
    fn describe(operation: &mut Operation<'_>) {
        limit(operation);
        let cursor = json!({ "type": "string", "description": "Where the part begins: `next` of the one before." });
        operation.parameter_of(In::Query, "cursor", false, cursor);
        operation.problem(Code::InvalidArgument);
    }
}

impl Input for WebSocketUpgrade {
    fn describe(operation: &mut Operation<'_>) {
        operation.response_of(StatusCode::SWITCHING_PROTOCOLS, None);
    }
}

impl<T: Input> Input for Option<T> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
        operation.optional();
    }
}

impl<T: Input, R> Input for Result<T, R> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
    }
}

fn of_a_body(operation: &mut Operation<'_>) {
    operation.refusal(400, "invalid_argument");
    operation.refusal(413, "payload_too_large");
    operation.refusal(415, "unsupported_media_type");
}

fn limit(operation: &mut Operation<'_>) {
    let limit = json!({
        "type": "integer", "format": "int64",
        "minimum": 1, "maximum": Page::MAX_LIMIT, "default": Page::DEFAULT_LIMIT,
        "description": "The most items that are wanted.",
    });
    operation.parameter_of(In::Query, "limit", false, limit);
}
