//! How a caller is found out.

use std::time::Duration;

use http::request::Parts;
use purlin::{async_trait, needs::Interface};

use crate::principal::Principal;

/// Finds out who sent a request.
///
/// A module gives one as `Arc<dyn Authenticator>`, and every secured route asks it.
/// ```
/// # extern crate purlin_core as purlin;
/// use http::{header::AUTHORIZATION, request::Parts};
/// use purlin::async_trait;
/// use purlin_auth::{AuthError, Authenticator, Principal};
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
    /// Finds out who sent the request with this head. The metadata of a gRPC call are headers, too.
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

/// Why a request was not let in. Its text is what the caller is told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// It carries no credentials: 401.
    #[error("the request carries no credentials")]
    Missing,
    /// Its credentials are not good, and why: 401. The reason is logged at debug and never shown,
    /// since it would help whoever guesses or forges.
    #[error("the credentials are not valid")]
    Invalid(String),
    /// They cannot be checked now: 503. The cause is never shown; it is logged at warn, but only
    /// once in a while, since callers decide how many such requests there are.
    #[error("the credentials cannot be checked")]
    Unavailable {
        /// Why.
        source: purlin::error::Error,
        /// When they may be checked again, where that is known: the caller's `Retry-After`.
        retry_after: Option<Duration>,
    },
}

// === impl AuthError ===

impl AuthError {
    /// [`Unavailable`](Self::Unavailable), for nobody knows how long.
    pub fn unavailable(cause: impl Into<purlin::error::Error>) -> Self {
        Self::Unavailable { source: cause.into(), retry_after: None }
    }
}
