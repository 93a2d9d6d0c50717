//! Whatever comes in, nothing panics and nobody gets in.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use purlin::{clock::Clock, meter::Meter};
use purlin_auth::jwt::{JwtAuthenticator, JwtConfig};
use serde_json::json;

use crate::signer::{OTHER_RSA, RSA, SECRET, Signer};

fn verified(config: &JwtConfig, token: &str) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let connected =
            JwtAuthenticator::connect("jwt", config, Clock::system(), &Meter::noop()).await;
        connected.unwrap().verify(token).await.is_ok()
    })
}

fn configs() -> [JwtConfig; 2] {
    let keys = json!({ "keys": [
        Signer::rsa("RS256", RSA).named("a").jwk(),
        Signer::rsa("RS256", OTHER_RSA).named("b").jwk(),
    ] });
    [
        JwtConfig { secret: Some(SECRET.to_owned().into()), ..JwtConfig::default() },
        JwtConfig { jwks: Some(keys.to_string()), ..JwtConfig::default() },
    ]
}

/// A text that is nearly a token: parts of anything, of base64, of JSON, and with known algorithms.
fn nearly_a_token() -> impl Strategy<Value = String> {
    let encoded = |bytes: &dyn AsRef<[u8]>| URL_SAFE_NO_PAD.encode(bytes.as_ref());
    let algorithm = prop::sample::select(vec!["HS256", "RS256", "PS512", "ES256", "EdDSA", "none"]);
    let value = prop_oneof![
        Just("null".to_owned()),
        any::<f64>().prop_map(|number| json!(number).to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        ".*".prop_map(|text| json!(text).to_string()),
        Just("[1e999]".to_owned()),
    ];
    let header = (algorithm, value.clone())
        .prop_map(move |(alg, kid)| encoded(&format!("{{\"alg\":\"{alg}\",\"kid\":{kid}}}")));
    let claims = (value.clone(), value).prop_map(move |(exp, aud)| {
        encoded(&format!("{{\"sub\":\"ada\",\"exp\":{exp},\"nbf\":{aud},\"aud\":{aud}}}"))
    });
    let bytes = prop::collection::vec(any::<u8>(), 0..80).prop_map(move |bytes| encoded(&bytes));
    let part = prop_oneof![".{0,40}", bytes, header, claims];
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.join("."))
}

proptest! {
    #[test]
    fn what_is_nearly_a_token_is_refused(token in nearly_a_token()) {
        for config in configs() {
            prop_assert!(!verified(&config, &token));
        }
    }

    /// Signed well, so that the claims are reached.
    #[test]
    fn whatever_is_claimed_is_compared_without_a_panic(
        exp in any::<f64>(), nbf in any::<f64>(), aud in ".*", scope in ".*",
    ) {
        let claims = json!({ "sub": "ada", "exp": exp, "nbf": nbf, "aud": aud, "scope": scope });
        let [config, _] = configs();
        let config = JwtConfig { audience: vec![aud], ..config };
        let now = crate::signer::now() as f64;
        // JSON has no infinity and no NaN: they are written as null, which is a missing claim.
        let good = exp.is_finite() && exp > now && (!nbf.is_finite() || nbf < now);
        prop_assume!((exp - now).abs() > 60.0 && (nbf - now).abs() > 60.0 || !nbf.is_finite());
        let token = Signer::secret("HS256", SECRET).token(&claims);
        prop_assume!(token.len() < 8000);
        prop_assert_eq!(verified(&config, &token), good);
    }
}
