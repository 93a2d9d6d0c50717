//! The authenticator, with or without an application around it.

use std::sync::Arc;

use http::request::Parts;
use purlin::{async_trait, clock::Clock, error::anyhow, meter::Meter};

use super::{
    bearer::{self, Token},
    claims::Rules,
    config::JwtConfig,
    error::{SetupError, TokenError},
    key_set::KeySet,
    key_source::KeySource,
    metrics::{Outcomes, TOKENS},
    remote::{Refresher, RemoteKeys},
};
use crate::{AuthError, Authenticator, Principal};

/// Checks JSON Web Tokens; see [`jwt`](super) for what is refused.
///
/// ```
/// # extern crate purlin_core as purlin;
/// use purlin::{clock::Clock, meter::Meter};
/// use purlin_auth::jwt::{JwtAuthenticator, JwtConfig};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let config = JwtConfig { secret: Some("a secret of at least 32 bytes, say".to_owned().into()), ..Default::default() };
/// let tokens = JwtAuthenticator::connect("jwt", &config, Clock::system(), &Meter::noop()).await.unwrap();
/// let refused = tokens.verify("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.").await.unwrap_err();
/// assert_eq!(refused.outcome(), "algorithm");
/// # });
/// ```
#[derive(Debug)]
pub struct JwtAuthenticator {
    keys: Keys,
    rules: Rules,
    longest: usize,
    clock: Clock,
    tokens: Outcomes,
}

#[derive(Debug)]
enum Keys {
    Fixed(KeySet),
    Remote(Arc<RemoteKeys>),
}

// === impl JwtAuthenticator ===

impl JwtAuthenticator {
    /// Reads the keys, or fetches them. The client that fetches them is called by the name of the
    /// section: `jwt`.
    ///
    /// # Errors
    /// [`SetupError`] says which setting to change.
    pub async fn connect(
        section: &str,
        config: &JwtConfig,
        clock: Clock,
        meter: &Meter,
    ) -> Result<Self, SetupError> {
        Ok(Self {
            keys: Keys::new(section, config, &clock, meter).await?,
            rules: Rules::new(config),
            longest: config.max_token_size.as_usize(),
            clock,
            tokens: Outcomes::new(meter, &TOKENS),
        })
    }

    /// What keeps the keys up to date, where they are fetched. Without it running they stay as they
    /// are. [`JwtModule`](super::JwtModule) runs it.
    pub fn refresher(&self) -> Option<Refresher> {
        self.remote().map(|keys| Refresher::new(keys.clone()))
    }

    /// Whoever `token` is about. It is counted in [`TOKENS`].
    ///
    /// # Errors
    /// [`TokenError`] says why it is refused. The text is for the log and not for the caller.
    pub async fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        let outcome = self.check(token).await;
        self.tokens.count(outcome.as_ref().map_or_else(TokenError::outcome, |_| "ok"));
        outcome
    }

    async fn check(&self, token: &str) -> Result<Principal, TokenError> {
        if token.len() > self.longest {
            return Err(TokenError::TooLarge(token.len()));
        }
        let token = Token::parse(token)?;
        match &self.keys {
            Keys::Fixed(keys) => keys.verify(&token)?,
            Keys::Remote(keys) => match keys.verify(&token) {
                Err(refused) if keys.may_know_better(&token, &refused) => {
                    // Whatever key it is, it makes no token good that has expired, say.
                    self.principal(&token)?;
                    keys.verify_anew(&token).await?;
                }
                verified => verified?,
            },
        }
        self.principal(&token)
    }

    /// Whoever the claims are about, if they are true.
    fn principal(&self, token: &Token<'_>) -> Result<Principal, TokenError> {
        self.rules.principal(token.claims()?, self.clock.system_now())
    }

    pub(super) fn remote(&self) -> Option<&Arc<RemoteKeys>> {
        match &self.keys {
            Keys::Fixed(_) => None,
            Keys::Remote(keys) => Some(keys),
        }
    }

    /// How many keys there are now.
    pub(super) fn keys(&self) -> usize {
        match &self.keys {
            Keys::Fixed(keys) => keys.len(),
            Keys::Remote(keys) => keys.len(),
        }
    }
}

#[async_trait]
impl Authenticator for JwtAuthenticator {
    async fn authenticate(&self, request: &Parts) -> Result<Principal, AuthError> {
        let outcome = match bearer::of_request(&request.headers) {
            Ok(Some(token)) => self.verify(token).await,
            Ok(None) => return Err(AuthError::Missing),
            Err(error) => {
                self.tokens.count(error.outcome());
                Err(error)
            }
        };
        outcome.map_err(|error| match error {
            TokenError::Unavailable { retry_after, .. } => {
                AuthError::Unavailable { source: anyhow!(error), retry_after: Some(retry_after) }
            }
            _ => AuthError::Invalid(error.to_string()),
        })
    }
}

// === impl Keys ===

impl Keys {
    async fn new(
        section: &str,
        config: &JwtConfig,
        clock: &Clock,
        meter: &Meter,
    ) -> Result<Self, SetupError> {
        let source = KeySource::of(config)
            .map_err(|conflict| SetupError::Conflict { section: section.to_owned(), conflict })?;
        Ok(match source {
            KeySource::Here(keys) => Self::Fixed(keys),
            KeySource::At(url) => {
                let keys = RemoteKeys::fetch(section, url, config, clock, meter).await?;
                Self::Remote(Arc::new(keys))
            }
        })
    }
}
