//! What the test kit has for secured routes, against the real thing.

use std::sync::Arc;

use purlin_auth::{Authenticator, Principal};
use purlin_testing::{Callers, MockServer, Reply, TestApp, TestTokens, When};
use serde_json::{Value, json};

use crate::service::{service, status};

fn claims() -> Value {
    json!({
        "sub": "ada", "iss": "https://id.example", "aud": "orders", "scope": "orders:write",
    })
}

#[tokio::test]
async fn tokens_of_a_test_are_taken_by_the_real_module() {
    let tokens = TestTokens::new();
    let app = TestApp::start(service().set("jwt.jwks", tokens.jwks())).await;
    let ada = tokens.sign(&claims());
    assert_eq!(app.http().as_bearer(&ada).get("/me").await.expect(200).text(), "ada");
    app.http().as_bearer(&ada).post("/orders").await.expect(200);
    app.http().as_bearer(&ada).get("/all").await.expect_problem(403).code("permission_denied");
    app.http().get("/me").await.expect_problem(401).code("unauthenticated");

    let with = |key: &str, value: Value| {
        let mut claims = claims();
        claims[key] = value;
        claims
    };
    assert_eq!(status(&app, &TestTokens::new().sign(&claims())).await, 401, "a forger's");
    assert_eq!(status(&app, &tokens.sign(&with("exp", json!(1_000_000)))).await, 401, "expired");
    assert_eq!(status(&app, &tokens.sign(&with("exp", Value::Null))).await, 401, "without end");
    assert_eq!(status(&app, &tokens.sign(&with("aud", json!("billing")))).await, 401, "another's");
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn the_keys_of_a_test_may_be_fetched() {
    let tokens = TestTokens::new();
    let issuer = MockServer::start();
    let keys: Value = serde_json::from_str(&tokens.jwks()).unwrap();
    issuer.mock(When::get("/jwks.json"), Reply::ok(&keys)).times(1);
    let app = service().set("jwt.jwks_url", format!("{}/jwks.json", issuer.url()));
    let app = TestApp::start(app).await;
    assert_eq!(status(&app, &tokens.sign(&claims())).await, 200);
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn tokens_of_a_test_are_good_on_a_held_clock() {
    let tokens = TestTokens::new();
    let app = TestApp::start_held(service().set("jwt.jwks", tokens.jwks())).await;
    assert_eq!(status(&app, &tokens.sign(&claims())).await, 200);
}

#[tokio::test]
async fn callers_are_whom_a_test_names() {
    let callers = Callers::new()
        .with("ada", Principal::new("ada").permission("orders:write"))
        .with("ben", Principal::new("ben"));
    let app = service().replace::<dyn Authenticator>(Arc::new(callers.clone()));
    let app = TestApp::start(app).await;
    assert_eq!(app.http().as_bearer("ada").get("/me").await.expect(200).text(), "ada");
    app.http().as_bearer("ada").post("/orders").await.expect(200);
    app.http().as_bearer("ben").post("/orders").await.expect_problem(403);
    app.http().as_bearer("eve").get("/me").await.expect_problem(401);
    app.http().with_header("authorization", "ada").get("/me").await.expect_problem(401);
    app.http().get("/me").await.expect_problem(401);
    callers.set_unavailable(true);
    app.http().as_bearer("ada").get("/me").await.expect_problem(503);
    callers.set_unavailable(false);
    app.http().as_bearer("ada").get("/me").await.expect(200);
    assert!(app.stop().await.is_clean());
}
