//! Errors.

use std::time::Duration;

use purlin::{config::Conflict, error::Error};
use url::Url;

/// Why the section cannot be used. Each says which setting to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The settings contradict each other, or one of them cannot be; see [`JwtConfig::check`].
    ///
    /// [`JwtConfig::check`]: super::JwtConfig::check
    #[error("{}; {}", .conflict.what(.section), .conflict.fix())]
    Conflict {
        /// The section.
        section: String,
        /// What is wrong.
        conflict: Conflict,
    },
    /// The files in `jwt.jwks_tls` cannot be used.
    #[error("the keys at `{url}` (`jwt.jwks_url`) cannot be fetched")]
    Client {
        /// The address.
        url: Url,
        /// What is wrong.
        source: Box<purlin_http_client::SetupError>,
    },
    /// The set of keys could not be fetched.
    #[error(
        "the keys at `{url}` (`jwt.jwks_url`) could not be fetched: is the issuer up, and the address right?"
    )]
    Fetch {
        /// The address.
        url: Url,
        /// What happened.
        source: Error,
    },
}

/// Why a token was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is longer than is looked at.
    #[error("the token has {0} bytes, which is more than `jwt.max_token_size`")]
    TooLarge(usize),
    /// It is no token, or none that is understood.
    #[error("the token is malformed: {0}")]
    Malformed(String),
    /// Its algorithm is not accepted, or does not suit the key that it names.
    #[error("the algorithm {0} is not accepted for this key")]
    Algorithm(String),
    /// No key can be told to be its own.
    #[error("no key suits: {0}")]
    UnknownKey(String),
    /// The signature is not that of the key.
    #[error("the signature is not that of the key")]
    Signature,
    /// It has expired.
    #[error("the token expired at {0}")]
    Expired(f64),
    /// It is not valid yet.
    #[error("the token is not valid before {0}")]
    NotYetValid(f64),
    /// It is of another issuer.
    #[error("the issuer {0} is not `jwt.issuer`")]
    Issuer(String),
    /// It is for others.
    #[error("the audience {0} names none of `jwt.audience`")]
    Audience(String),
    /// A claim is missing, or of the wrong type.
    #[error("the claim {0:?} {1}")]
    Claim(String, &'static str),
    /// Its key is unknown, and the set of keys could not be fetched anew.
    #[error("the keys could not be fetched: {reason}")]
    Unavailable {
        /// Why not.
        reason: String,
        /// When they may be fetched again: the rest of `jwt.jwks_cooldown`.
        retry_after: Duration,
    },
}

// === impl TokenError ===

impl TokenError {
    /// The value of the label `outcome` of [`TOKENS`](super::metrics::TOKENS).
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "too_large",
            Self::Malformed(_) => "malformed",
            Self::Algorithm(_) => "algorithm",
            Self::UnknownKey(_) => "unknown_key",
            Self::Signature => "signature",
            Self::Expired(_) => "expired",
            Self::NotYetValid(_) => "not_yet_valid",
            Self::Issuer(_) => "issuer",
            Self::Audience(_) => "audience",
            Self::Claim(..) => "claim",
            Self::Unavailable { .. } => "unavailable",
        }
    }
}
