//! Configurations that cannot work, and what is said of them.

use std::net::TcpListener;

use purlin::{app::AppBuilder, clock::Clock, config::Inputs, meter::Meter};
use purlin_auth::jwt::{JwtAuthenticator, JwtConfig};
use purlin_testing::TestApp;

use crate::{
    service::{service, status},
    signer::{RSA, RSA_PEM, SECRET, Signer, claims},
};

/// Why it does not start.
async fn told(app: AppBuilder) -> String {
    TestApp::try_start(app).await.expect_err("it cannot start").to_string()
}

/// Why it cannot be started.
fn checked(app: AppBuilder) -> String {
    app.build().expect_err("it cannot be built").to_string()
}

#[test]
fn what_is_said_of_keys_is_checked_before_the_start() {
    let set = |key: &'static str, value: &str| vec![(key, value.to_owned())];
    let also = |mut sets: Vec<(&'static str, String)>, key: &'static str, value: &str| {
        sets.push((key, value.to_owned()));
        sets
    };
    let short = "a secret of less than 32 bytes";
    let p521 = include_str!("keys/p521.pub.pem");
    let weak = include_str!("keys/rsa1024.pub.pem");
    let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----";
    let symmetric = r#"{"keys": [{"kty": "oct", "kid": "s", "k": "MC4CAQ"}]}"#;
    let cases: [(Vec<(&str, String)>, &[&str]); 15] = [
        (
            also(set("jwt.secret", SECRET), "jwt.public_key", RSA_PEM),
            &[
                "`jwt.secret` and `jwt.public_key` do not go together: each of them says which keys",
                "set        jwt.secret = [redacted] (",
                "set        jwt.public_key = [redacted] (",
                "fix        keep the one that your issuer signs with",
            ],
        ),
        (
            set("jwt.secret", short),
            &[
                "`jwt.secret` cannot be as it is: it has 30 bytes, and HS256 needs 32",
                "`openssl rand -base64 32`",
            ],
        ),
        (
            also(set("jwt.secret", &SECRET[..40]), "jwt.algorithms", "HS256,HS512"),
            &["it has 40 bytes, and HS512 needs 64"],
        ),
        (
            also(set("jwt.secret", SECRET), "jwt.algorithms", "RS256"),
            &[
                "`jwt.algorithms` and `jwt.secret` do not go together: the second does not verify RS256",
            ],
        ),
        (
            also(set("jwt.public_key", RSA_PEM), "jwt.algorithms", "RS256,HS256"),
            &[
                "`jwt.algorithms` and `jwt.public_key` do not go together",
                "does not verify HS256",
                "set        jwt.algorithms = RS256,HS256 (",
                "fix        remove it from the algorithms, or set the key that it needs",
            ],
        ),
        (
            also(set("jwt.public_key", RSA_PEM), "jwt.algorithms", "ES256"),
            &["does not verify ES256"],
        ),
        (
            set("jwt.public_key", private),
            &["`jwt.public_key` cannot be as it is: it is a private key", "[redacted]"],
        ),
        (set("jwt.public_key", "/etc/jwt.pem"), &["not a public key in PEM", "`file:/path` reads"]),
        (set("jwt.public_key", weak), &["less than 2048 bits"]),
        (set("jwt.public_key", p521), &["P-256"]),
        (set("jwt.jwks", "[]"), &["`jwt.jwks` cannot be as it is: it is not a JSON Web Key Set"]),
        (set("jwt.jwks", symmetric), &["key \"s\": it is a shared secret", "[redacted]"]),
        (
            set("jwt.jwks_url", "https://ada:hunter2@id.example/jwks.json"),
            &["`jwt.jwks_url` cannot be as it is: it has a user or a password", "remove them"],
        ),
        (
            set("jwt.jwks_url", "ftp://id.example/jwks.json"),
            &[
                "`jwt.jwks_url` cannot be as it is",
                "set        jwt.jwks_url = ftp://id",
                "write http",
            ],
        ),
        (
            also(set("jwt.jwks_url", "http://id.example/"), "jwt.algorithms", "HS256"),
            &[
                "`jwt.algorithms` and `jwt.jwks_url` do not go together",
                "set        jwt.jwks_url = http://id.example/ (",
            ],
        ),
    ];
    for (sets, texts) in cases {
        let app = service().inputs(Inputs::default());
        let report = checked(sets.iter().fold(app, |app, (key, value)| app.set(*key, &**value)));
        for text in texts {
            assert!(report.contains(text), "no {text:?} in\n{report}");
        }
        for secret in [short, SECRET, "hunter2", "MC4CAQ"] {
            assert!(!report.contains(secret), "{secret} in\n{report}");
        }
    }
}

#[test]
fn that_no_key_is_set_is_told_where_one_would_be_read() {
    let report = checked(service().inputs(Inputs::default()));
    for text in ["`jwt.jwks_url` cannot be as it is: it is not set", "`secret`", "fix        set"] {
        assert!(report.contains(text), "no {text:?} in\n{report}");
    }
    service().validate().expect("a key may be in the environment");
}

#[tokio::test]
async fn without_an_application_the_same_is_said() {
    let config = JwtConfig { secret: Some("short".to_owned().into()), ..JwtConfig::default() };
    let meter = Meter::noop();
    let connected = JwtAuthenticator::connect("jwt@b", &config, Clock::system(), &meter);
    let said = connected.await.unwrap_err().to_string();
    assert_eq!(
        said,
        "`jwt@b.secret` cannot be as it is: it has 5 bytes, and HS256 needs 32; set a longer one, \
         such as the output of `openssl rand -base64 32`"
    );
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
