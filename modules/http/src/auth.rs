//! Who calls: what stands behind a secured route.

use std::{collections::BTreeSet, fmt};

use axum::extract::FromRequestParts;
use http::request::Parts;
use purlin::{async_trait, needs::Interface};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// Finds out who sent a request.
///
/// A module gives one as `Arc<dyn Authenticator>`, and every secured route asks it.
/// ```
/// # extern crate purlin_core as purlin;
/// use http::{header::AUTHORIZATION, request::Parts};
/// use purlin::async_trait;
/// use purlin_http::auth::{AuthError, Authenticator, Principal};
///
/// struct Partner { key: String }
///
/// #[async_trait]
/// impl Authenticator for Partner {
///     async fn authenticate(&self, request: &Parts) -> Result<Principal, AuthError> {
///         let given = request.headers.get(AUTHORIZATION).ok_or(AuthError::Missing)?;
///         if given.as_bytes() != format!("Bearer {}", self.key).as_bytes() {
///             return Err(AuthError::Invalid("the key is not known".into()));
///         }
///         Ok(Principal::new("partner").permission("orders:write"))
///     }
/// }
/// ```
#[async_trait]
pub trait Authenticator: Interface {
    /// Finds out who sent the request with this head.
    ///
    /// # Errors
    /// [`AuthError`] says what the caller is told.
    async fn authenticate(&self, request: &Parts) -> Result<Principal, AuthError>;

    /// The scheme that callers are asked for in `WWW-Authenticate` ([RFC 9110], section 11.6.1);
    /// `Bearer` by default.
    ///
    /// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110
    fn scheme(&self) -> &str {
        "Bearer"
    }
}

/// Why a request was not let in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// It carries no credentials: 401.
    #[error("the request carries no credentials")]
    Missing,
    /// Its credentials are not good, and why: 401. The reason is shown to the caller.
    #[error("the credentials are not valid: {0}")]
    Invalid(String),
    /// They cannot be checked now: 503. The cause is logged and not shown.
    #[error("the credentials cannot be checked")]
    Unavailable(#[source] purlin::error::Error),
}

/// Whoever sent a request. A handler of a secured route takes it as an argument:
/// ```
/// # use purlin_http::auth::Principal;
/// async fn whoami(caller: Principal) -> String {
///     caller.subject
/// }
/// ```
/// It is an extension of the request, too.
#[derive(Clone, Default, PartialEq)]
pub struct Principal {
    /// Who it is.
    pub subject: String,
    /// What it may do.
    pub permissions: BTreeSet<String>,
    /// What else is known of it, such as the claims of a token.
    pub claims: Map<String, Value>,
}

// === impl Principal ===

impl Principal {
    /// Somebody without permissions.
    pub fn new(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), ..Self::default() }
    }

    /// Adds a permission.
    #[must_use]
    pub fn permission(mut self, permission: impl Into<String>) -> Self {
        self.permissions.insert(permission.into());
        self
    }

    /// Whether it has a permission.
    pub fn has(&self, permission: &str) -> bool {
        self.permissions.contains(permission)
    }
}

/// Claims may be personal, and a principal is easily logged by accident.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("subject", &self.subject)
            .field("permissions", &self.permissions)
            .finish_non_exhaustive()
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| {
            tracing::error!(
                method = %parts.method,
                path = parts.uri.path(),
                "a handler asked for the principal of a public route: add the route with `.secured(..)`"
            );
            Problem::internal()
        })
    }
}
