//! The keys that are known at a time.

use jsonwebtoken::{Algorithm, jwk::Jwk};
use serde::Deserialize;
use serde_json::Value;

use super::{bearer::Token, error::TokenError, key::Key};

/// The keys that are known at a time.
#[derive(Debug)]
pub(super) enum KeySet {
    /// One key, whatever it is called.
    One(Key),
    /// Keys that are told apart by their names.
    Named(Vec<Key>),
}

/// Why a set of keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeySetError {
    /// It is not a set.
    #[error("it is not a JSON Web Key Set, which looks like `{{\"keys\": [..]}}`: {0}")]
    NotASet(serde_json::Error),
    /// None of its keys can be used, and why.
    #[error("it has no usable key{0}")]
    Empty(String),
}

/// The keys one by one, since one that is not understood must not hide the others.
#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

// === impl KeySet ===

impl KeySet {
    /// One key, for those of its algorithms that are `allowed`; none means all.
    pub(super) fn one(mut key: Key, allowed: &[Algorithm]) -> Self {
        if !allowed.is_empty() {
            key.restrict(allowed);
        }
        Self::One(key)
    }

    /// Reads a JSON Web Key Set. Keys that cannot be used are left out, as RFC 7517 asks (section
    /// 5), and so are those for algorithms that are not `allowed`; none means all.
    pub(super) fn read(json: &[u8], allowed: &[Algorithm]) -> Result<Self, KeySetError> {
        let document: Document = serde_json::from_slice(json).map_err(KeySetError::NotASet)?;
        let (mut keys, mut refused) = (Vec::new(), String::new());
        for value in document.keys {
            let id = value.get("kid").cloned().unwrap_or_default();
            match read(value, allowed) {
                Ok(key) => keys.push(key),
                Err(reason) => {
                    tracing::debug!(kid = %id, reason, "a key of the set is left out");
                    refused = format!("{refused}; key {id}: {reason}");
                }
            }
        }
        if keys.is_empty() { Err(KeySetError::Empty(refused)) } else { Ok(Self::Named(keys)) }
    }

    /// Verifies that `token` was signed with one of the keys.
    pub(super) fn verify(&self, token: &Token<'_>) -> Result<(), TokenError> {
        self.find(token)?.verify(token.algorithm, token.message(), token.signature())
    }

    /// The key that `token` was signed with, if it tells the truth.
    fn find(&self, token: &Token<'_>) -> Result<&Key, TokenError> {
        let keys = match self {
            Self::One(key) => return Ok(key),
            Self::Named(keys) => keys,
        };
        let suits = |key: &&Key| key.algorithms().contains(&token.algorithm);
        let Some(id) = &token.key_id else {
            let mut suitable = keys.iter().filter(suits);
            return match (suitable.next(), suitable.next()) {
                (Some(key), None) => Ok(key),
                (None, _) => Err(TokenError::Algorithm(format!("{:?}", token.algorithm))),
                (Some(_), Some(_)) => {
                    Err(TokenError::UnknownKey("the token names none of several".into()))
                }
            };
        };
        let mut named = keys.iter().filter(|key| key.id() == Some(id)).peekable();
        if named.peek().is_none() {
            return Err(TokenError::UnknownKey(format!("the token names {id:?}")));
        }
        let key = named.find(suits);
        key.ok_or_else(|| TokenError::Algorithm(format!("{:?}", token.algorithm)))
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Named(keys) => keys.len(),
        }
    }

    /// Whether any of them may be used with `algorithm`.
    pub(super) fn allows(&self, algorithm: Algorithm) -> bool {
        let keys = match self {
            Self::One(key) => std::slice::from_ref(key),
            Self::Named(keys) => keys,
        };
        keys.iter().any(|key| key.algorithms().contains(&algorithm))
    }
}

fn read(value: Value, allowed: &[Algorithm]) -> Result<Key, &'static str> {
    let jwk: Jwk = serde_json::from_value(value).map_err(|_| "it is not a JSON Web Key")?;
    let mut key = Key::jwk(&jwk)?;
    if !allowed.is_empty() {
        key.restrict(allowed);
    }
    if key.algorithms().is_empty() {
        Err("`jwt.algorithms` has none of its algorithms")
    } else {
        Ok(key)
    }
}
