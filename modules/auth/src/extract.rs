//! A principal as an argument of an axum handler.

use axum_core::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use crate::principal::Principal;

/// A handler asked for the [`Principal`] of a public route: a fault of the service, answered with
/// an empty 500 and logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a handler asked for the principal of a public route: add the route with `.secured(..)`")]
pub struct NoPrincipal;

// === impl Principal ===

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = NoPrincipal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoPrincipal> {
        parts.extensions.get().cloned().ok_or_else(|| {
            tracing::error!(method = %parts.method, path = parts.uri.path(), "{NoPrincipal}");
            NoPrincipal
        })
    }
}

// === impl NoPrincipal ===

impl IntoResponse for NoPrincipal {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
