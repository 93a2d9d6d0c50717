//! What is accepted.

use purlin_testing::TestApp;
use serde_json::json;

use crate::{
    service::{counted, service, status},
    signer::{OTHER_RSA, RSA, RSA_PEM, SECRET, Signer, claims, claims_with},
};

const RSA_ALGORITHMS: [&str; 6] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

#[tokio::test]
async fn every_algorithm_is_verified_with_its_key() {
    let rsa = || RSA_ALGORITHMS.map(|algorithm| Signer::rsa(algorithm, RSA)).into();
    let secret = ["HS256", "HS384", "HS512"].map(|algorithm| Signer::secret(algorithm, SECRET));
    let cases: [(&str, &str, Vec<Signer>); 5] = [
        ("jwt.secret", SECRET, secret.into()),
        ("jwt.public_key", RSA_PEM, rsa()),
        (
            "jwt.public_key",
            include_str!("keys/p256.pub.pem"),
            vec![Signer::p256(include_bytes!("keys/p256.pk8"))],
        ),
        (
            "jwt.public_key",
            include_str!("keys/p384.pub.pem"),
            vec![Signer::p384(include_bytes!("keys/p384.pk8"))],
        ),
        (
            "jwt.public_key",
            include_str!("keys/ed25519.pub.pem"),
            vec![Signer::ed25519(include_bytes!("keys/ed25519.pk8"))],
        ),
    ];
    for (setting, key, signers) in cases {
        let app = TestApp::start(service().set(setting, key)).await;
        for signer in &signers {
            let token = signer.token(&claims());
            assert_eq!(app.http().get("/me").bearer(&token).await.expect(200).text(), "ada");
            let (message, signature) = token.rsplit_once('.').unwrap();
            let tampered = format!("{message}.{}", signature.chars().rev().collect::<String>());
            assert_eq!(status(&app, &tampered).await, 401);
        }
        assert_eq!(counted(&app, "auth_tokens_total", "ok"), signers.len() as u64);
    }
}

#[tokio::test]
async fn a_set_of_keys_tells_them_apart_by_name() {
    let signers = [
        Signer::rsa("RS256", RSA).named("a"),
        Signer::rsa("PS512", OTHER_RSA).named("b"),
        Signer::p256(include_bytes!("keys/p256.pk8")).named("c"),
        Signer::p384(include_bytes!("keys/p384.pk8")).named("d"),
        Signer::ed25519(include_bytes!("keys/ed25519.pk8")).named("e"),
    ];
    let mut keys: Vec<_> = signers.iter().map(Signer::jwk).collect();
    keys.push(json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "f", "pub": "AAAA" }));
    keys.push(json!({ "kty": "EC", "crv": "secp256k1", "kid": "g", "x": "AA", "y": "AA" }));
    keys.push(json!("not a key"));
    let app = TestApp::start(service().set("jwt.jwks", json!({ "keys": keys }).to_string())).await;
    for signer in &signers {
        assert_eq!(status(&app, &signer.token(&claims())).await, 200, "{}", signer.id);
    }
    // Without a name there is no doubt where only one key suits.
    let nameless = Signer::ed25519(include_bytes!("keys/ed25519.pk8"));
    assert_eq!(status(&app, &nameless.token(&claims())).await, 200);
    let nameless = Signer::rsa("RS256", RSA);
    assert_eq!(status(&app, &nameless.token(&claims())).await, 401);
    assert_eq!(counted(&app, "auth_tokens_total", "unknown_key"), 1);
    let confused = Signer::rsa("RS256", RSA).named("b");
    assert_eq!(status(&app, &confused.token(&claims())).await, 401);
    assert_eq!(counted(&app, "auth_tokens_total", "signature"), 1);
}

#[tokio::test]
async fn permissions_come_from_the_claim_of_the_configuration() {
    let signer = Signer::secret("HS256", SECRET);
    let app = TestApp::start(service().set("jwt.secret", SECRET)).await;
    let token = signer.token(&claims());
    app.http().post("/orders").bearer(&token).await.expect(200);
    app.http().get("/all").bearer(&token).await.expect(403).problem("permission_denied");

    let roles = "/realm_access/roles";
    let app =
        TestApp::start(service().set("jwt.secret", SECRET).set("jwt.permissions", roles)).await;
    app.http().post("/orders").bearer(&token).await.expect(403);
    let token = signer.token(&claims_with("realm_access", json!({ "roles": ["orders:write"] })));
    app.http().post("/orders").bearer(&token).await.expect(200);
}

#[tokio::test]
async fn the_scheme_is_not_case_sensitive() {
    let app = TestApp::start(service().set("jwt.secret", SECRET)).await;
    let token = Signer::secret("HS256", SECRET).token(&claims());
    let answer = app.http().get("/me").header("authorization", &format!("bearer {token}")).await;
    answer.expect(200);
}

#[tokio::test]
async fn whoever_has_no_token_is_asked_for_one() {
    let app = TestApp::start(service().set("jwt.secret", SECRET)).await;
    let requests =
        [app.http().get("/me"), app.http().get("/me").header("authorization", "Basic YTpi")];
    for request in requests {
        let answer = request.await.expect(401);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(
            answer.problem("unauthenticated")["detail"],
            "the request carries no credentials"
        );
    }
    app.http().get("/").await.expect(200);
}
