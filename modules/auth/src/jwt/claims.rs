//! What a token claims, compared with what is expected.

use std::{
    collections::BTreeSet,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use super::{config::JwtConfig, error::TokenError};
use crate::principal::Principal;

/// What is expected of the claims of a token. Source: RFC 7519, section 4.1.
#[derive(Debug)]
pub(super) struct Rules {
    issuer: Option<String>,
    audience: Vec<String>,
    required: Vec<String>,
    permissions: String,
    leeway: f64,
}

// === impl Rules ===

impl Rules {
    pub(super) fn new(config: &JwtConfig) -> Self {
        Self {
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            required: config.required_claims.clone(),
            permissions: config.permissions.clone(),
            leeway: config.leeway.as_secs_f64(),
        }
    }

    /// Whoever the claims are about, if they are as expected at `now`.
    pub(super) fn principal(
        &self,
        claims: Value,
        now: SystemTime,
    ) -> Result<Principal, TokenError> {
        for name in &self.required {
            if claims.get(name).is_none_or(Value::is_null) {
                return Err(TokenError::Claim(name.clone(), "is missing"));
            }
        }
        self.time(&claims, now)?;
        self.issuer(&claims)?;
        self.audience(&claims)?;
        let subject = text(&claims, "sub")?.unwrap_or_default().to_owned();
        let permissions = self.permissions(&claims)?;
        let Value::Object(claims) = claims else {
            return Err(TokenError::Malformed("its claims are not an object".to_owned()));
        };
        Ok(Principal { subject, permissions, claims })
    }

    fn time(&self, claims: &Value, now: SystemTime) -> Result<(), TokenError> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        if let Some(expiry) = number(claims, "exp")?
            && now >= expiry + self.leeway
        {
            return Err(TokenError::Expired(expiry));
        }
        match number(claims, "nbf")? {
            Some(start) if now + self.leeway < start => Err(TokenError::NotYetValid(start)),
            _ => Ok(()),
        }
    }

    fn issuer(&self, claims: &Value) -> Result<(), TokenError> {
        let issuer = text(claims, "iss")?;
        match &self.issuer {
            Some(expected) if issuer != Some(expected) => {
                Err(TokenError::Issuer(format!("{:?}", issuer.unwrap_or_default())))
            }
            _ => Ok(()),
        }
    }

    /// Whoever is not named in the audience must refuse the token, and so must whoever has no name.
    fn audience(&self, claims: &Value) -> Result<(), TokenError> {
        let named = match claims.get("aud") {
            None | Some(Value::Null) => self.audience.is_empty(),
            Some(Value::String(one)) => self.audience.contains(one),
            Some(Value::Array(many)) => many
                .iter()
                .filter_map(Value::as_str)
                .any(|one| self.audience.iter().any(|own| own == one)),
            Some(_) => {
                return Err(TokenError::Claim("aud".to_owned(), "is neither a text nor a list"));
            }
        };
        if named {
            return Ok(());
        }
        let audience = claims.get("aud").unwrap_or(&Value::Null);
        Err(TokenError::Audience(audience.to_string()))
    }

    fn permissions(&self, claims: &Value) -> Result<BTreeSet<String>, TokenError> {
        let wrong =
            || TokenError::Claim(self.permissions.clone(), "is neither a text nor a list of texts");
        let claim = if self.permissions.starts_with('/') {
            claims.pointer(&self.permissions)
        } else {
            claims.get(&self.permissions)
        };
        match claim {
            None | Some(Value::Null) => Ok(BTreeSet::new()),
            Some(Value::String(words)) => Ok(words.split_whitespace().map(str::to_owned).collect()),
            Some(Value::Array(list)) => {
                list.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
            }
            Some(_) => Err(wrong()),
        }
    }
}

fn text<'a>(claims: &'a Value, name: &str) -> Result<Option<&'a str>, TokenError> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TokenError::Claim(name.to_owned(), "is not a text")),
    }
}

/// A number of seconds, which may have a fraction.
fn number(claims: &Value, name: &str) -> Result<Option<f64>, TokenError> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_f64().filter(|number| number.is_finite());
            number.map(Some).ok_or_else(|| TokenError::Claim(name.to_owned(), "is not a number"))
        }
    }
}
