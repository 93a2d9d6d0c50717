//! The authenticator, with or without an application around it.

use std::sync::Arc;

use http::request::Parts;
use jsonwebtoken::Algorithm;
use purlin::{async_trait, clock::Clock, error::anyhow, meter::Meter};

use super::{
    bearer::{self, Token},
    claims::Rules,
    config::JwtConfig,
    error::{SetupError, TokenError},
    key::{Key, secret_bytes},
    key_set::KeySet,
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
/// let tokens = JwtAuthenticator::connect(&config, Clock::system(), &Meter::noop()).await.unwrap();
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
    /// Reads the keys, or fetches them.
    ///
    /// # Errors
    /// [`SetupError`] says which setting to change.
    pub async fn connect(
        config: &JwtConfig,
        clock: Clock,
        meter: &Meter,
    ) -> Result<Self, SetupError> {
        Ok(Self {
            keys: Keys::new(config, &clock, meter).await?,
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
        let key = match &self.keys {
            Keys::Fixed(keys) => keys.find(&token)?,
            Keys::Remote(keys) => keys.find(&token).await?,
        };
        key.verify(token.algorithm, token.message(), token.signature())?;
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
            TokenError::Unavailable(_) => AuthError::Unavailable(anyhow!(error)),
            _ => AuthError::Invalid(error.to_string()),
        })
    }
}

// === impl Keys ===

impl Keys {
    async fn new(config: &JwtConfig, clock: &Clock, meter: &Meter) -> Result<Self, SetupError> {
        let allowed = &config.algorithms;
        let (setting, keys) = match config {
            JwtConfig {
                secret: Some(secret),
                public_key: None,
                jwks: None,
                jwks_url: None,
                ..
            } => {
                let secret = secret.expose().as_bytes();
                long_enough(secret, allowed)?;
                ("jwt.secret", KeySet::one(Key::secret(secret), allowed))
            }
            JwtConfig {
                secret: None, public_key: Some(pem), jwks: None, jwks_url: None, ..
            } => {
                let key = Key::pem(pem).map_err(SetupError::PublicKey)?;
                ("jwt.public_key", KeySet::one(key, allowed))
            }
            JwtConfig {
                secret: None, public_key: None, jwks: Some(json), jwks_url: None, ..
            } => {
                let keys = KeySet::read(json.as_bytes(), allowed).map_err(SetupError::KeySet)?;
                ("jwt.jwks", keys)
            }
            JwtConfig {
                secret: None, public_key: None, jwks: None, jwks_url: Some(url), ..
            } => {
                if let Some(algorithm) = allowed.iter().find(|one| secret_bytes(**one).is_some()) {
                    let (algorithm, setting) = (*algorithm, "jwt.jwks_url");
                    return Err(SetupError::AlgorithmWithoutKey { algorithm, setting });
                }
                let keys = RemoteKeys::fetch(url, config, clock, meter).await?;
                return Ok(Self::Remote(Arc::new(keys)));
            }
            _ => return Err(one_of(config)),
        };
        match allowed.iter().find(|algorithm| !keys.allows(**algorithm)) {
            Some(&algorithm) => Err(SetupError::AlgorithmWithoutKey { algorithm, setting }),
            None => Ok(Self::Fixed(keys)),
        }
    }
}

fn long_enough(secret: &[u8], allowed: &[Algorithm]) -> Result<(), SetupError> {
    let has = secret.len();
    let allowed = if allowed.is_empty() { &[Algorithm::HS256] } else { allowed };
    for &algorithm in allowed {
        if let Some(needs) = secret_bytes(algorithm)
            && has < needs
        {
            return Err(SetupError::ShortSecret { algorithm, needs, has });
        }
    }
    Ok(())
}

/// What is wrong where not exactly one setting says where the keys are.
fn one_of(config: &JwtConfig) -> SetupError {
    let set = [
        ("`jwt.secret`", config.secret.is_some()),
        ("`jwt.public_key`", config.public_key.is_some()),
        ("`jwt.jwks`", config.jwks.is_some()),
        ("`jwt.jwks_url`", config.jwks_url.is_some()),
    ];
    let set: Vec<_> = set.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| key).collect();
    if set.is_empty() { SetupError::NoKey } else { SetupError::SeveralKeys(set.join(" and ")) }
}
