//! What is refused: each with the same answer, and with its reason in the log and the metric.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use purlin::{clock::Clock, meter::Meter};
use purlin_auth::jwt::{JwtAuthenticator, JwtConfig};
use purlin_testing::TestApp;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::{
    load::{Load, Question},
    log::Log,
    service::{counted, service, status},
    signer::{OTHER_RSA, RSA, RSA_PEM, SECRET, Signer, claims, claims_with, now},
};

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(header), part(claims))
}

/// Each token with the outcome that is counted.
fn forgeries() -> Vec<(&'static str, String, &'static str)> {
    let honest = Signer::rsa("RS256", RSA);
    let other = Signer::rsa("RS256", OTHER_RSA);
    let good = honest.token(&claims());
    let parts: Vec<_> = good.split('.').collect();
    let changed = URL_SAFE_NO_PAD.encode(claims_with("sub", "root").to_string());
    let confused = |key: &[u8]| Signer::secret("HS256", key).token(&claims());
    let der = RSA_PEM.lines().filter(|line| !line.starts_with("---")).collect::<String>();
    let der = base64::engine::general_purpose::STANDARD.decode(der).unwrap();
    let with = |name: &str, value: Value| honest.token(&claims_with(name, value));
    let headed = |header: Value| honest.sign(&header, &claims());
    let mut own_key = json!({ "alg": "RS256", "typ": "JWT" });
    own_key["jwk"] = other.jwk();
    own_key["jku"] = "http://127.0.0.1:9/jwks.json".into();
    vec![
        ("none", unsigned(&json!({ "alg": "none" }), &claims()), "algorithm"),
        ("None", unsigned(&json!({ "alg": "None" }), &claims()), "algorithm"),
        ("none with a signature", headed(json!({ "alg": "none" })), "algorithm"),
        ("no algorithm", headed(json!({ "typ": "JWT" })), "malformed"),
        ("no signature", unsigned(&json!({ "alg": "RS256" }), &claims()), "signature"),
        ("another key", other.token(&claims()), "signature"),
        ("a key of its own", other.sign(&own_key, &claims()), "signature"),
        ("changed claims", format!("{}.{changed}.{}", parts[0], parts[2]), "signature"),
        ("an algorithm of another type", headed(json!({ "alg": "ES256" })), "algorithm"),
        (
            "an algorithm that is not allowed",
            Signer::rsa("PS256", RSA).token(&claims()),
            "algorithm",
        ),
        ("the public key as a secret", confused(RSA_PEM.as_bytes()), "algorithm"),
        ("the same without its end", confused(RSA_PEM.trim_end().as_bytes()), "algorithm"),
        ("the same in DER", confused(&der), "algorithm"),
        (
            "a critical extension",
            headed(json!({ "alg": "RS256", "crit": ["b64"], "b64": false })),
            "malformed",
        ),
        ("expired", with("exp", json!(now() - 31)), "expired"),
        ("expired long ago", with("exp", json!(-1)), "expired"),
        ("expires never", with("exp", Value::Null), "claim"),
        ("expires in words", with("exp", json!("tomorrow")), "claim"),
        ("not valid yet", with("nbf", json!(now() + 90)), "not_yet_valid"),
        ("valid in words", with("nbf", json!([0])), "claim"),
        ("another issuer", with("iss", json!("https://id.example.evil")), "issuer"),
        ("no issuer", with("iss", Value::Null), "issuer"),
        ("an issuer that is a list", with("iss", json!(["https://id.example"])), "claim"),
        ("another audience", with("aud", json!("billing")), "audience"),
        ("other audiences", with("aud", json!(["billing", 7, null])), "audience"),
        ("no audience", with("aud", Value::Null), "audience"),
        ("no subject", with("sub", Value::Null), "claim"),
        ("a subject that is a number", with("sub", json!(1)), "claim"),
        ("permissions in an object", with("scope", json!({ "admin": true })), "claim"),
        ("claims that are a list", honest.token(&json!([1])), "malformed"),
        ("huge", with("fill", json!("x".repeat(8 * 1024))), "too_large"),
        ("a word", "token".to_owned(), "malformed"),
        ("empty parts", "..".to_owned(), "malformed"),
        ("four parts", format!("{good}.{}", parts[2]), "malformed"),
        ("five parts", "a.b.c.d.e".to_owned(), "malformed"),
        ("padding", format!("{good}="), "malformed"),
        ("the wrong alphabet", format!("{}.{}.+/+/", parts[0], parts[1]), "malformed"),
        ("a space inside", good.replacen('.', ". ", 1), "signature"),
        ("a deep header", format!("{}..", URL_SAFE_NO_PAD.encode("[".repeat(4000))), "malformed"),
    ]
}

/// Those who have a good token, and are let in by it.
fn with_good_tokens(app: &TestApp, signer: &Signer) -> Load {
    let token = signer.token(&claims());
    let head = format!("GET /me HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}");
    let question = Question { request: format!("{head}\r\n\r\n"), answer: "ada" };
    let addr = app.address("http").unwrap();
    let connect = move || async move { TcpStream::connect(addr).await.unwrap() };
    Load::over(Clock::system(), question, connect)
}

#[tokio::test]
async fn forgeries_get_one_answer_while_the_service_serves() {
    let builder = service().set("jwt.public_key", RSA_PEM).set("jwt.algorithms", ["RS256"]);
    let app = TestApp::start(builder).await;
    let load = with_good_tokens(&app, &Signer::rsa("RS256", RSA));
    let mut answers = Vec::new();
    for (what, token, outcome) in forgeries() {
        let before = counted(&app, "auth_tokens_total", outcome);
        let answer = app.http().get("/me").bearer(&token).await;
        assert_eq!(answer.status, 401, "{what}");
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, Some("Bearer error=\"invalid_token\""), "{what}");
        let mut problem = answer.problem("unauthenticated");
        problem.as_object_mut().unwrap().shift_remove("correlation_id").unwrap();
        answers.push(problem);
        let after = counted(&app, "auth_tokens_total", outcome);
        assert_eq!(after, before + 1, "{what} counts as {outcome}");
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    load.was_served().await;
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn two_tokens_are_none() {
    let app = TestApp::start(service().set("jwt.secret", SECRET)).await;
    let load = with_good_tokens(&app, &Signer::secret("HS256", SECRET));
    let good = format!("Bearer {}", Signer::secret("HS256", SECRET).token(&claims()));
    let request = app.http().get("/me").header("authorization", &good);
    request.header("authorization", &good).await.expect(401);
    assert_eq!(counted(&app, "auth_tokens_total", "malformed"), 1);
    load.was_served().await;
}

#[tokio::test]
async fn a_secret_takes_no_public_key_algorithm() {
    let app = TestApp::start(service().set("jwt.secret", SECRET)).await;
    let load = with_good_tokens(&app, &Signer::secret("HS256", SECRET));
    assert_eq!(status(&app, &Signer::rsa("RS256", RSA).token(&claims())).await, 401);
    assert_eq!(counted(&app, "auth_tokens_total", "algorithm"), 1);
    load.was_served().await;
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway() {
    let signer = Signer::secret("HS256", SECRET);
    let late = signer.token(&claims_with("exp", now() - 20));
    let early = signer.token(&claims_with("nbf", now() + 20));
    let app = TestApp::start(service().set("jwt.secret", SECRET)).await;
    assert_eq!((status(&app, &late).await, status(&app, &early).await), (200, 200));
    let app = TestApp::start(service().set("jwt.secret", SECRET).set("jwt.leeway", "1s")).await;
    assert_eq!((status(&app, &late).await, status(&app, &early).await), (401, 401));
}

#[tokio::test]
async fn tokens_expire_by_the_injected_clock() {
    // The held clock begins in 2030, and the tokens of today are long gone there.
    let (clock, hand) = Clock::held();
    let config = JwtConfig { secret: Some(SECRET.to_owned().into()), ..JwtConfig::default() };
    let config = JwtConfig { audience: vec!["orders".to_owned()], ..config };
    let tokens = JwtAuthenticator::connect("jwt", &config, clock, &Meter::noop()).await.unwrap();
    let signer = Signer::secret("HS256", SECRET);
    let old = tokens.verify(&signer.token(&claims())).await.unwrap_err();
    assert_eq!(old.outcome(), "expired");
    let token = signer.token(&claims_with("exp", 1_893_456_000 + 60));
    hand.advance(Duration::from_millis(89_999));
    assert_eq!(tokens.verify(&token).await.unwrap().subject, "ada");
    hand.advance(Duration::from_millis(1));
    assert_eq!(tokens.verify(&token).await.unwrap_err().outcome(), "expired");
}

#[tokio::test]
async fn the_reason_is_for_the_log_alone() {
    let log = Log::of_process();
    let app = TestApp::start(service().set("jwt.secret", SECRET)).await;
    let issuer = "https://not-the-issuer.example";
    let token = Signer::secret("HS256", SECRET).token(&claims_with("iss", issuer));
    let answer = app.http().get("/me").bearer(&token).await.expect(401);
    assert!(!answer.text().contains("issuer"), "{}", answer.text());
    let log = log.text();
    let line = log.lines().find(|line| line.contains(issuer)).expect("the reason is logged");
    assert!(line.contains("DEBUG") && line.contains("is not `jwt.issuer`"), "{line}");
    assert!(!log.contains(&token), "a token was logged");
}
