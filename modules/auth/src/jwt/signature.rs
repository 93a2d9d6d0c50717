//! Signatures: the formats are jsonwebtoken's, the mathematics is ring's.
//!
//! jsonwebtoken takes its cryptography from a provider that is one per process, and of the two that
//! it brings one is banned here and the other has an open advisory. So its `decode` is not used.

use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::{
    error::Unspecified,
    hmac,
    signature::{
        self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
    },
};

enum Scheme {
    Hmac(hmac::Algorithm),
    Rsa(&'static RsaParameters),
    Curve(&'static dyn VerificationAlgorithm),
}

/// Verifies that `signature` is that of `key` under `message`.
///
/// # Errors
/// When it is not, or when the key is of another type than the algorithm.
pub(super) fn verify(
    algorithm: Algorithm,
    key: &DecodingKey,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Unspecified> {
    if key.family() != algorithm.family() {
        return Err(Unspecified);
    }
    match (scheme(algorithm).ok_or(Unspecified)?, key.kind()) {
        (Scheme::Hmac(algorithm), DecodingKeyKind::SecretOrDer(secret)) => {
            hmac::verify(&hmac::Key::new(algorithm, secret), message, signature)
        }
        (Scheme::Rsa(parameters), DecodingKeyKind::SecretOrDer(der)) => {
            UnparsedPublicKey::new(parameters, der).verify(message, signature)
        }
        (Scheme::Rsa(parameters), DecodingKeyKind::RsaModulusExponent { n, e }) => {
            RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
        }
        (Scheme::Curve(curve), DecodingKeyKind::SecretOrDer(point)) => {
            UnparsedPublicKey::new(curve, point).verify(message, signature)
        }
        (Scheme::Hmac(_) | Scheme::Curve(_), DecodingKeyKind::RsaModulusExponent { .. }) => {
            Err(Unspecified)
        }
    }
}

/// Source: RFC 7518, section 3.1, and RFC 8037, section 3.1.
fn scheme(algorithm: Algorithm) -> Option<Scheme> {
    Some(match algorithm {
        Algorithm::HS256 => Scheme::Hmac(hmac::HMAC_SHA256),
        Algorithm::HS384 => Scheme::Hmac(hmac::HMAC_SHA384),
        Algorithm::HS512 => Scheme::Hmac(hmac::HMAC_SHA512),
        Algorithm::RS256 => Scheme::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Scheme::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Scheme::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Scheme::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Scheme::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Scheme::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 => Scheme::Curve(&signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Scheme::Curve(&signature::ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => Scheme::Curve(&signature::ED25519),
        // The enum may grow; what is not listed here is refused.
        _ => return None,
    })
}
