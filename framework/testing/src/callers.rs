use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::{header::AUTHORIZATION, request::Parts};
use purlin_auth::{AuthError, Authenticator, Principal};
use purlin_core::{async_trait, error::anyhow};

/// An [`Authenticator`] that knows whom a test names: whoever sends `Authorization: Bearer NAME` is
/// the caller of that name.
///
/// ```
/// use std::sync::Arc;
///
/// use purlin_auth::{Authenticator, Principal};
/// use purlin_testing::Callers;
/// # use purlin_core::app::{App, AppBuilder};
/// # fn orders() -> AppBuilder { App::builder().supply::<dyn Authenticator>(Arc::new(Callers::new())) }
///
/// let callers = Callers::new().with("ada", Principal::new("ada").permission("orders:write"));
/// let app = orders().replace::<dyn Authenticator>(Arc::new(callers.clone()));
/// // app.http().as_bearer("ada").post("/orders", &order)
/// ```
///
/// Nobody else gets in: without a header it is 401, and with another name, too. It is for tests of
/// what a service does for whom; that it takes good tokens and no others is for
/// [`TestTokens`](crate::TestTokens) to show. Clones are the same double.
#[derive(Debug, Clone, Default)]
pub struct Callers {
    known: HashMap<String, Principal>,
    away: Arc<AtomicBool>,
}

// === impl Callers ===

impl Callers {
    /// Knows nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows one more.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, principal: Principal) -> Self {
        self.known.insert(name.into(), principal);
        self
    }

    /// Lets nobody be checked any more, as when the keys of an issuer cannot be had: 503. `false`
    /// ends that.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.away.store(unavailable, Ordering::Relaxed);
    }
}

#[async_trait]
impl Authenticator for Callers {
    async fn authenticate(&self, request: &Parts) -> Result<Principal, AuthError> {
        let header = request.headers.get(AUTHORIZATION).ok_or(AuthError::Missing)?;
        if self.away.load(Ordering::Relaxed) {
            return Err(AuthError::unavailable(anyhow!("the test lets nobody be checked")));
        }
        let name = header.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
        let known = name.and_then(|name| self.known.get(name));
        known.cloned().ok_or_else(|| AuthError::Invalid("the test does not know the caller".into()))
    }
}
