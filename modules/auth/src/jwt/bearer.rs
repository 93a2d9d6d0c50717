//! A token, taken out of its request and apart.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, header::AUTHORIZATION};
use jsonwebtoken::Algorithm;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::error::TokenError;

/// A token in compact form, taken apart and not yet believed.
pub(super) struct Token<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    /// What is signed.
    message: &'a [u8],
    claims: &'a str,
    signature: Vec<u8>,
}

/// What is read of the header. What else it may hold, such as keys, is not to be believed.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

// === impl Token ===

impl<'a> Token<'a> {
    /// Takes a token apart.
    pub(super) fn parse(text: &'a str) -> Result<Self, TokenError> {
        let malformed = |what: &str| TokenError::Malformed(what.to_owned());
        let (message, signature) =
            text.rsplit_once('.').ok_or_else(|| malformed("it has no parts"))?;
        let (header, claims) =
            message.split_once('.').ok_or_else(|| malformed("it has two parts"))?;
        if claims.contains('.') {
            return Err(malformed("it has more than three parts"));
        }
        let header = decode("header", header)?;
        let header: Header<'_> = serde_json::from_slice(&header)
            .map_err(|error| TokenError::Malformed(format!("its header: {error}")))?;
        let algorithm =
            header.alg.parse().map_err(|_| TokenError::Algorithm(format!("{:?}", header.alg)))?;
        if header.crit.is_some() {
            // RFC 7515, section 4.1.11: whoever does not understand an extension must refuse.
            return Err(malformed("its header has critical extensions"));
        }
        let signature = decode("signature", signature)?;
        Ok(Self { algorithm, key_id: header.kid, message: message.as_bytes(), claims, signature })
    }

    pub(super) fn message(&self) -> &[u8] {
        self.message
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The claims. They are true once the signature was verified.
    pub(super) fn claims(&self) -> Result<Value, TokenError> {
        let claims = decode("claims", self.claims)?;
        match serde_json::from_slice(&claims) {
            Ok(claims @ Value::Object(_)) => Ok(claims),
            Ok(_) => Err(TokenError::Malformed("its claims are not an object".to_owned())),
            Err(error) => Err(TokenError::Malformed(format!("its claims: {error}"))),
        }
    }
}

/// The bearer token of a request; `None` when it has none.
///
/// Source: RFC 6750, section 2.1. Tokens in bodies and queries, which the RFC knows as well, end up
/// in logs and are not taken.
pub(super) fn of_request(headers: &HeaderMap) -> Result<Option<&str>, TokenError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(TokenError::Malformed("there are two `Authorization` headers".to_owned()));
    }
    let value = value.to_str();
    let value = value.map_err(|_| TokenError::Malformed("it is not ASCII".to_owned()))?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    Ok(scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches(' ')))
}

fn decode(what: &str, part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|error| TokenError::Malformed(format!("its {what}: {error}")))
}
