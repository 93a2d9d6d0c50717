//! One key, and the algorithms that it may be used with.

use std::fmt;

use jsonwebtoken::{
    Algorithm, DecodingKey, DecodingKeyKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};

use super::{error::TokenError, signature};

/// A key that verifies.
///
/// It is bound to algorithms of its own type, which is what makes it useless to present a public key
/// as a shared secret.
pub(super) struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

/// The least size of an RSA modulus, in bytes (RFC 7518, section 3.3).
const RSA_MODULUS: usize = 256;
/// The same with the ASN.1 of a PKCS#1 public key around it.
const RSA_DER: usize = RSA_MODULUS + 12;

const RSA: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

// === impl Key ===

impl Key {
    /// A shared secret, with the algorithms that it is long enough for.
    pub(super) fn secret(secret: &[u8]) -> Self {
        let hmac = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
        let fits = |algorithm: &Algorithm| secret_bytes(*algorithm) <= Some(secret.len());
        Self {
            id: None,
            algorithms: hmac.into_iter().filter(fits).collect(),
            decoding: DecodingKey::from_secret(secret),
        }
    }

    /// A public key in PEM.
    pub(super) fn pem(pem: &str) -> Result<Self, &'static str> {
        if pem.contains("PRIVATE KEY-----") {
            return Err("it is a private key, which verifying does not need; \
                 `openssl pkey -in key.pem -pubout` prints the public one");
        }
        if !pem.contains("PUBLIC KEY-----") {
            return Err("it is not a public key in PEM, which begins with \
                 `-----BEGIN PUBLIC KEY-----`");
        }
        let bytes = pem.as_bytes();
        let decoding = DecodingKey::from_rsa_pem(bytes)
            .or_else(|_| DecodingKey::from_ec_pem(bytes))
            .or_else(|_| DecodingKey::from_ed_pem(bytes))
            .map_err(|_| "it is neither an RSA, nor an EC, nor an Ed25519 key")?;
        Self::public(None, decoding)
    }

    /// A public key of a set.
    pub(super) fn jwk(jwk: &Jwk) -> Result<Self, &'static str> {
        let common = &jwk.common;
        let verifies = |operations: &Vec<_>| operations.contains(&KeyOperations::Verify);
        if common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature)
            || !common.key_operations.as_ref().is_none_or(verifies)
        {
            return Err("it is not for signatures");
        }
        let decodes = match &jwk.algorithm {
            AlgorithmParameters::OctetKey(_) => {
                return Err("it is a shared secret, which is no secret in a set of public keys");
            }
            AlgorithmParameters::EllipticCurve(key) => {
                matches!(key.curve, EllipticCurve::P256 | EllipticCurve::P384)
            }
            AlgorithmParameters::OctetKeyPair(key) => key.curve == EllipticCurve::Ed25519,
            AlgorithmParameters::RSA(_) => true,
            _ => false,
        };
        if !decodes {
            return Err("its type is not known");
        }
        let decoding = DecodingKey::from_jwk(jwk).map_err(|_| "its numbers are not base64url")?;
        let mut key = Self::public(common.key_id.clone(), decoding)?;
        if let Some(named) = common.key_algorithm {
            let named = Algorithm::try_from(named).map_err(|_| "its algorithm is not known")?;
            key.restrict(&[named]);
            if key.algorithms.is_empty() {
                return Err("its algorithm is not one of its type");
            }
        }
        Ok(key)
    }

    fn public(id: Option<String>, decoding: DecodingKey) -> Result<Self, &'static str> {
        const WEAK: &str = "it is an RSA key of less than 2048 bits";
        let (decoding, algorithms) = match decoding.kind() {
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                let (n, e) = (significant(n), significant(e));
                if n.len() < RSA_MODULUS {
                    return Err(WEAK);
                }
                (DecodingKey::from_rsa_raw_components(n, e), RSA.to_vec())
            }
            DecodingKeyKind::SecretOrDer(bytes) => {
                let algorithms = match (decoding.family().algorithms()[0], bytes.len()) {
                    (Algorithm::RS256, ..RSA_DER) => return Err(WEAK),
                    (Algorithm::RS256, _) => RSA.to_vec(),
                    (Algorithm::ES256, 65) => vec![Algorithm::ES256],
                    (Algorithm::ES256, 97) => vec![Algorithm::ES384],
                    (Algorithm::EdDSA, 32) => vec![Algorithm::EdDSA],
                    _ => return Err("its curve is neither P-256, nor P-384, nor Ed25519"),
                };
                (decoding, algorithms)
            }
        };
        Ok(Self { id, algorithms, decoding })
    }

    /// Forbids all other algorithms.
    pub(super) fn restrict(&mut self, allowed: &[Algorithm]) {
        self.algorithms.retain(|algorithm| allowed.contains(algorithm));
    }

    /// The name that tokens call it by.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The algorithms that it may be used with.
    pub(super) fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// Verifies that `signature` under `message` was made with the other half of this key.
    pub(super) fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), TokenError> {
        if !self.algorithms.contains(&algorithm) {
            return Err(TokenError::Algorithm(format!("{algorithm:?}")));
        }
        signature::verify(algorithm, &self.decoding, message, signature)
            .map_err(|_| TokenError::Signature)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

/// The least length of a secret (RFC 7518, section 3.2); `None` where there is no secret.
pub(super) fn secret_bytes(algorithm: Algorithm) -> Option<usize> {
    match algorithm {
        Algorithm::HS256 => Some(32),
        Algorithm::HS384 => Some(48),
        Algorithm::HS512 => Some(64),
        _ => None,
    }
}

/// A number without its leading zeros, which some issuers write and ring refuses.
fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}
