//! Configurations that cannot work, and what is said of them.

use std::net::TcpListener;

use purlin::app::AppBuilder;
use purlin_testing::TestApp;

use crate::{
    service::{service, status},
    signer::{RSA, RSA_PEM, SECRET, Signer, claims},
};

/// Why it does not start.
async fn told(app: AppBuilder) -> String {
    TestApp::try_start(app).await.expect_err("it cannot start").to_string()
}

#[tokio::test]
async fn each_error_of_the_start_says_what_to_change() {
    let set = |key: &str, value: &str| service().set(key, value);
    let short = "a secret of less than 32 bytes";
    let p521 = include_str!("keys/p521.pub.pem");
    let weak = include_str!("keys/rsa1024.pub.pem");
    let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----";
    let symmetric = r#"{"keys": [{"kty": "oct", "kid": "s", "k": "AAAA"}]}"#;
    let cases: [(AppBuilder, &[&str]); 16] = [
        (service(), &["no key is set", "`jwt.jwks_url`", "`jwt.secret`"]),
        (
            set("jwt.secret", SECRET).set("jwt.public_key", RSA_PEM),
            &["`jwt.secret` and `jwt.public_key` are set"],
        ),
        (set("jwt.secret", short), &["`jwt.secret` has 30 bytes", "HS256 needs 32"]),
        (
            set("jwt.secret", &SECRET[..40]).set("jwt.algorithms", ["HS256", "HS512"]),
            &["`jwt.secret` has 40 bytes", "HS512 needs 64"],
        ),
        (
            set("jwt.secret", SECRET).set("jwt.algorithms", ["RS256"]),
            &["`jwt.algorithms` has RS256, which `jwt.secret` cannot verify"],
        ),
        (
            set("jwt.public_key", RSA_PEM).set("jwt.algorithms", ["RS256", "HS256"]),
            &["`jwt.algorithms` has HS256, which `jwt.public_key` cannot verify"],
        ),
        (
            set("jwt.public_key", RSA_PEM).set("jwt.algorithms", ["ES256"]),
            &["`jwt.algorithms` has ES256, which `jwt.public_key` cannot verify"],
        ),
        (set("jwt.public_key", private), &["`jwt.public_key`", "it is a private key"]),
        (set("jwt.public_key", "/etc/jwt.pem"), &["`jwt.public_key`", "not a public key in PEM"]),
        (set("jwt.public_key", weak), &["`jwt.public_key`", "less than 2048 bits"]),
        (set("jwt.public_key", p521), &["`jwt.public_key`", "P-256"]),
        (set("jwt.jwks", "[]"), &["`jwt.jwks`", "not a JSON Web Key Set"]),
        (set("jwt.jwks", symmetric), &["`jwt.jwks`", "key \"s\": it is a shared secret"]),
        (
            set("jwt.jwks_url", "https://ada:hunter2@id.example/jwks.json"),
            &["`jwt.jwks_url` is `https://id.example/jwks.json`", "needs none"],
        ),
        (
            set("jwt.jwks_url", "ftp://id.example/jwks.json"),
            &["`ftp://id.example/jwks.json` (`jwt.jwks_url`)", "write http"],
        ),
        (
            set("jwt.jwks_url", "http://id.example/").set("jwt.algorithms", ["HS256"]),
            &["`jwt.algorithms` has HS256, which `jwt.jwks_url` cannot verify"],
        ),
    ];
    for (app, texts) in cases {
        let report = told(app).await;
        for text in texts {
            assert!(report.contains(text), "no {text:?} in\n{report}");
        }
        assert!(!report.contains(short) && !report.contains(SECRET) && !report.contains("hunter2"));
    }
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_end_the_start() {
    // Bound and not listening for HTTP: whoever connects waits.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", silent.local_addr().unwrap());
    let report = told(service().set("jwt.jwks_url", &*url).set("jwt.jwks_timeout", "50ms")).await;
    assert!(report.contains(&url) && report.contains("could not be fetched"), "{report}");
    assert!(report.contains("timed out after 50ms"), "{report}");
    drop(silent);
    let report = told(service().set("jwt.jwks_url", &*url)).await;
    assert!(report.contains("`jwt.jwks_url`") && report.contains("refused"), "{report}");
}

#[tokio::test]
async fn a_key_may_lie_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwt.pem");
    std::fs::write(&path, RSA_PEM).unwrap();
    let app =
        TestApp::start(service().set("jwt.public_key", format!("file:{}", path.display()))).await;
    assert_eq!(status(&app, &Signer::rsa("PS384", RSA).token(&claims())).await, 200);
}
