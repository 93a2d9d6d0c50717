//! Whoever signs: with ring alone, so that what is tested does not test itself.

use std::time::UNIX_EPOCH;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use purlin::clock::Clock;
use ring::{
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, PublicKeyComponents},
    signature::{
        self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair as _, RsaEncoding,
    },
};
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "a secret that is long enough for HS512: sixty-four bytes or more.";
pub(crate) const RSA: &[u8] = include_bytes!("keys/rsa.pk8");
pub(crate) const OTHER_RSA: &[u8] = include_bytes!("keys/rsa2.pk8");
pub(crate) const RSA_PEM: &str = include_str!("keys/rsa.pub.pem");

/// The year 2100, for services on a held clock, which begins in 2030.
pub(crate) const LATER: i64 = 4_102_444_800;

/// A private key under a name.
pub(crate) struct Signer {
    pub(crate) id: String,
    algorithm: &'static str,
    key: Private,
}

enum Private {
    Secret(Vec<u8>),
    Rsa(Box<RsaKeyPair>),
    Ecdsa(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

// === impl Signer ===

impl Signer {
    pub(crate) fn secret(algorithm: &'static str, secret: impl Into<Vec<u8>>) -> Self {
        Self { id: String::new(), algorithm, key: Private::Secret(secret.into()) }
    }

    pub(crate) fn rsa(algorithm: &'static str, der: &[u8]) -> Self {
        let key = Private::Rsa(Box::new(RsaKeyPair::from_pkcs8(der).unwrap()));
        Self { id: String::new(), algorithm, key }
    }

    pub(crate) fn p256(der: &[u8]) -> Self {
        let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = EcdsaKeyPair::from_pkcs8(scheme, der, &SystemRandom::new()).unwrap();
        Self { id: String::new(), algorithm: "ES256", key: Private::Ecdsa(key) }
    }

    pub(crate) fn p384(der: &[u8]) -> Self {
        let scheme = &ECDSA_P384_SHA384_FIXED_SIGNING;
        let key = EcdsaKeyPair::from_pkcs8(scheme, der, &SystemRandom::new()).unwrap();
        Self { id: String::new(), algorithm: "ES384", key: Private::Ecdsa(key) }
    }

    pub(crate) fn ed25519(der: &[u8]) -> Self {
        let key = Private::Ed(Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).unwrap());
        Self { id: String::new(), algorithm: "EdDSA", key }
    }

    /// A new key that nobody has seen before.
    pub(crate) fn fresh(id: &str) -> Self {
        let der =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Self::p256(der.unwrap().as_ref()).named(id)
    }

    pub(crate) fn named(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// A token with an honest header.
    pub(crate) fn token(&self, claims: &Value) -> String {
        let mut header = json!({ "typ": "JWT", "alg": self.algorithm });
        if !self.id.is_empty() {
            header["kid"] = self.id.as_str().into();
        }
        self.sign(&header, claims)
    }

    /// A token with any header.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.signature(message.as_bytes()));
        format!("{message}.{signature}")
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Private::Secret(secret) => {
                let algorithm = match self.algorithm {
                    "HS256" => hmac::HMAC_SHA256,
                    "HS384" => hmac::HMAC_SHA384,
                    "HS512" => hmac::HMAC_SHA512,
                    other => panic!("{other} takes no secret"),
                };
                hmac::sign(&hmac::Key::new(algorithm, secret), message).as_ref().to_vec()
            }
            Private::Rsa(key) => {
                let encoding: &dyn RsaEncoding = match self.algorithm {
                    "RS256" => &signature::RSA_PKCS1_SHA256,
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    other => panic!("{other} takes no RSA key"),
                };
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Private::Ecdsa(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Private::Ed(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    /// The public half, as it is published.
    pub(crate) fn jwk(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.key {
            Private::Secret(secret) => json!({ "kty": "oct", "k": encode(secret) }),
            Private::Rsa(key) => {
                let public: PublicKeyComponents<Vec<u8>> = key.public().into();
                json!({ "kty": "RSA", "n": encode(&public.n), "e": encode(&public.e) })
            }
            Private::Ecdsa(key) => {
                let (x, y) =
                    key.public_key().as_ref()[1..].split_at(key.public_key().as_ref().len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Private::Ed(key) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(key.public_key().as_ref()) })
            }
        };
        jwk["use"] = "sig".into();
        if !self.id.is_empty() {
            jwk["kid"] = self.id.as_str().into();
        }
        jwk
    }
}

/// The time, in seconds.
pub(crate) fn now() -> i64 {
    let now = Clock::system().system_now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

/// Claims that are as they should be.
pub(crate) fn claims() -> Value {
    json!({
        "sub": "ada",
        "iss": "https://id.example",
        "aud": "orders",
        "exp": now() + 300,
        "scope": "orders:read orders:write",
    })
}

/// The same with one of them changed, or removed where it is null.
pub(crate) fn claims_with(name: &str, value: impl Into<Value>) -> Value {
    let (mut claims, value) = (claims(), value.into());
    if value.is_null() {
        claims.as_object_mut().unwrap().shift_remove(name);
    } else {
        claims[name] = value;
    }
    claims
}
