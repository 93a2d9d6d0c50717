use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Map, Value, json};

/// An issuer of JSON Web Tokens with a throw-away key: the real `JwtModule` takes them from whoever
/// is told to believe its [`jwks`](Self::jwks), until this is dropped.
///
/// ```
/// use purlin_testing::TestTokens;
/// use serde_json::json;
///
/// let tokens = TestTokens::new();
/// let believed = tokens.jwks();              // for `jwt.jwks`
/// let ada = tokens.sign(&json!({ "sub": "ada", "scope": "orders:write" }));
/// // app.http().as_bearer(&ada).get("/orders")
/// # assert_eq!(ada.split('.').count(), 3);
/// # assert!(believed.contains("Ed25519"));
/// ```
///
/// Another issuer's tokens are those of a forger.
pub struct TestTokens {
    key: Ed25519KeyPair,
    id: String,
}

/// 2100-01-01T00:00:00Z: later than any clock of a test, held ones included.
const LATER: u64 = 4_102_444_800;

// === impl TestTokens ===

impl TestTokens {
    /// An issuer with a key of its own.
    ///
    /// # Panics
    /// When this machine gives no random bytes.
    pub fn new() -> Self {
        let document =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key can be made");
        let key = Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("it was made just now");
        let id = URL_SAFE_NO_PAD.encode(&key.public_key().as_ref()[..6]);
        Self { key, id }
    }

    /// Its public key, as a JSON Web Key Set in JSON: the value of `jwt.jwks`, or what a mock server
    /// answers at `jwt.jwks_url`.
    pub fn jwks(&self) -> String {
        let public = URL_SAFE_NO_PAD.encode(self.key.public_key());
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": public, "kid": self.id, "alg": "EdDSA", "use": "sig" });
        json!({ "keys": [key] }).to_string()
    }

    /// A token with these claims. It expires in the year 2100, unless they have an `exp`; with an
    /// `exp` of `null` it has none.
    ///
    /// # Panics
    /// When the claims are not an object.
    pub fn sign(&self, claims: &Value) -> String {
        let mut claims: Map<String, Value> =
            claims.as_object().expect("claims are an object").clone();
        let exp = claims.entry("exp").or_insert_with(|| LATER.into());
        if exp.is_null() {
            claims.remove("exp");
        }
        let header = json!({ "typ": "JWT", "alg": "EdDSA", "kid": self.id });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&Value::Object(claims)));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

impl Default for TestTokens {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TestTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestTokens").field("id", &self.id).finish_non_exhaustive()
    }
}
