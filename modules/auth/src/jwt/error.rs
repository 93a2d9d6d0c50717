//! Errors.

use jsonwebtoken::Algorithm;
use purlin::error::Error;
use url::Url;

use super::key_set::KeySetError;

/// Why the section cannot be used. Each says which setting to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// No setting says which keys sign.
    #[error(
        "no key is set: set `jwt.jwks_url`, `jwt.jwks`, `jwt.public_key` or `jwt.secret`, whichever your issuer offers"
    )]
    NoKey,
    /// Several settings say which keys sign.
    #[error("{0} are set: keep the one that your issuer signs with, and remove the others")]
    SeveralKeys(String),
    /// A secret is shorter than the hash (RFC 7518, section 3.2).
    #[error(
        "`jwt.secret` has {has} bytes and {algorithm:?} needs {needs}: set a longer one, such as the output of `openssl rand -base64 {needs}`"
    )]
    ShortSecret {
        /// The algorithm that asks for more.
        algorithm: Algorithm,
        /// The bytes that it needs.
        needs: usize,
        /// The bytes that there are.
        has: usize,
    },
    /// An algorithm is allowed for which there is no key.
    #[error(
        "`jwt.algorithms` has {algorithm:?}, which `{setting}` cannot verify: remove it, or set the key that it needs"
    )]
    AlgorithmWithoutKey {
        /// The algorithm.
        algorithm: Algorithm,
        /// The setting that the keys come from.
        setting: &'static str,
    },
    /// The public key is none, or is not one that may be used.
    #[error("`jwt.public_key` cannot be used: {0}")]
    PublicKey(&'static str),
    /// The set of keys in the configuration cannot be used.
    #[error("`jwt.jwks` cannot be used: {0}")]
    KeySet(#[source] KeySetError),
    /// The address of the set of keys has a user or a password.
    #[error(
        "`jwt.jwks_url` is `{0}` with a user or a password: a set of public keys needs none, and addresses are in logs"
    )]
    Credentials(Url),
    /// The address of the set of keys is none that can be fetched from, or the files in
    /// `jwt.jwks_tls` cannot be used.
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
    #[error("the keys could not be fetched: {0}")]
    Unavailable(String),
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
            Self::Unavailable(_) => "unavailable",
        }
    }
}
