//! The keys that are known at a time.

use std::fmt::{self, Write as _};

use jsonwebtoken::{Algorithm, jwk::Jwk};
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
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// It is not a set.
    #[error("it is not a JSON Web Key Set, which looks like `{{\"keys\": [..]}}`")]
    NotASet,
    /// None of its keys can be used, and why.
    #[error("it has no usable key{0}")]
    Empty(LeftOut),
}

/// Keys of a set that cannot be used. Whoever publishes it decides how many there are and what they
/// are called, so that not all of it is told.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// Of the first few.
    told: String,
    count: usize,
}

/// So many of the keys that are left out are told of.
const TOLD: usize = 8;

/// So many letters of a key's name are told.
const NAME: usize = 64;

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
        let mut document: Value = serde_json::from_slice(json).map_err(KeySetError::NotJson)?;
        let Some(Value::Array(values)) = document.get_mut("keys").map(Value::take) else {
            return Err(KeySetError::NotASet);
        };
        let (mut keys, mut left_out) = (Vec::new(), LeftOut::default());
        // One that is not understood must not hide the others.
        for value in values {
            let id = value.get("kid").unwrap_or(&Value::Null).to_string();
            match read(value, allowed) {
                Ok(key) => keys.push(key),
                Err(reason) => left_out.add(&id, reason),
            }
        }
        if keys.is_empty() { Err(KeySetError::Empty(left_out)) } else { Ok(Self::Named(keys)) }
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

// === impl LeftOut ===

impl LeftOut {
    fn add(&mut self, id: &str, reason: &'static str) {
        self.count += 1;
        if self.count > TOLD {
            return;
        }
        let id: String = id.chars().take(NAME).collect();
        tracing::debug!(kid = id, reason, "a key of the set is left out");
        let _ = write!(self.told, "; key {id}: {reason}");
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told)?;
        match self.count.saturating_sub(TOLD) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        KeySet::read(json.as_bytes(), &[]).expect_err("no key can be used").to_string()
    }

    #[test]
    fn what_is_said_of_a_set_is_short() {
        let name = "x".repeat(10_000);
        assert!(refused(&format!("{{\"keys\": \"{name}\"}}")).len() < 200);
        assert!(refused(&format!("{{\"keys\": [{{\"kid\": \"{name}\"}}]}}")).len() < 200);
        // As many as a set at an address may have: what is said of them grew with each, and took
        // minutes to be written.
        let said = refused(&format!("{{\"keys\": [{}0]}}", "0,".repeat(500_000)));
        assert!(said.ends_with("; and 499993 more") && said.len() < 1000, "{said}");
    }
}
