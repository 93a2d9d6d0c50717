//! The mock server, and what it says of a test that does not use it as it expects.

#![expect(clippy::unwrap_used, reason = "a fixture of tests fails by panicking")]

use std::{panic::AssertUnwindSafe, time::Duration};

use purlin_core::clock::Clock;
use purlin_testing::{Client, MockServer, Received, Reply, When};
use serde_json::{Value, json};

fn client(server: &MockServer) -> Client {
    Client::new(server.address())
}

/// What the server says when it is dropped.
fn said(server: MockServer) -> String {
    let url = server.url();
    let panic = std::panic::catch_unwind(AssertUnwindSafe(|| drop(server)));
    let text = panic.expect_err("it fails the test");
    text.downcast::<String>().unwrap().replace(&url, "http://mock")
}

#[tokio::test]
async fn a_matching_request_is_answered_and_remembered() {
    let bank = MockServer::start();
    let charge = bank.mock(
        When::post("/accounts/{id}/charges")
            .query("currency", "eu r")
            .header("idempotency-key", "k-7")
            .bearer("secret")
            .json_with(&json!({ "cents": 1250 })),
        Reply::status(201).json(&json!({ "id": "ch_1" })).header("location", "/charges/ch_1"),
    );
    let answer = client(&bank)
        .post("/accounts/7/charges?currency=eu%20r")
        .header("idempotency-key", "k-7")
        .bearer("secret")
        .json(&json!({ "cents": 1250, "note": "tea" }))
        .await
        .expect(201);
    assert_eq!(answer.json::<Value>(), json!({ "id": "ch_1" }));
    assert_eq!(answer.header("location"), Some("/charges/ch_1"));
    assert_eq!(charge.received()[0].json::<Value>()["note"], "tea");
    assert_eq!(bank.received().len(), 1);
}

#[tokio::test]
async fn answers_follow_one_another_and_the_last_one_stays() {
    let bank = MockServer::start();
    let answers = Reply::status(503).times(2).then(Reply::status(429).then(Reply::status(200)));
    bank.mock(When::get("/rates"), answers).times(5);
    for status in [503, 503, 429, 200, 200] {
        client(&bank).get("/rates").await.expect(status);
    }
}

#[tokio::test]
async fn an_answer_is_computed_from_the_request() {
    let bank = MockServer::start();
    bank.mock(When::any("/echo"), |request: &Received| {
        Reply::ok(&json!({ "method": request.method.as_str(), "said": request.query("say") }))
    })
    .times(1..=2);
    let answer: Value = client(&bank).delete("/echo?say=a%26b").await.expect(200).json();
    assert_eq!(answer, json!({ "method": "DELETE", "said": "a&b" }));
}

#[tokio::test]
async fn the_latest_expectation_is_asked_first_until_it_had_its_times() {
    let bank = MockServer::start();
    bank.mock(When::get("/rates"), Reply::status(200)).times(1);
    bank.mock(When::get("/rates"), Reply::status(503)).times(1);
    client(&bank).get("/rates").await.expect(503);
    client(&bank).get("/rates").await.expect(200);
}

#[tokio::test]
async fn a_delay_goes_by_the_clock() {
    let (clock, hand) = Clock::held();
    let bank = MockServer::start_on(clock.clone());
    let slow = Reply::status(200).text("abcde").after(Duration::from_secs(7));
    bank.mock(When::get("/slow"), slow.slowly(2, Duration::from_secs(1))).times(1);
    let asking = async { client(&bank).get("/slow").await.expect(200).text() };
    let time = async {
        for _ in ["the answer", "ab", "cd", "e"] {
            hand.sleepers(1).await;
            hand.advance_to_next();
        }
        clock.now() - purlin_core::clock::Instant::START
    };
    let (text, took) = tokio::join!(asking, time);
    assert_eq!((text.as_str(), took), ("abcde", Duration::from_secs(10)));
}

#[tokio::test]
async fn a_connection_is_cut_in_place_of_an_answer() {
    let bank = MockServer::start();
    bank.mock(When::get("/rates"), Reply::cut().then(Reply::status(200))).times(2);
    let error = client(&bank).get("/rates").send().await.unwrap_err();
    assert!(error.is_request(), "{error:?}");
    client(&bank).get("/rates").await.expect(200);
}

#[tokio::test]
async fn what_matches_nothing_is_told_to_the_client_and_to_the_test() {
    let bank = MockServer::start();
    bank.mock(When::get("/charges"), Reply::status(200)).times(0..);
    bank.mock(
        When::post("/charges").header("idempotency-key", "k-7").json(&json!({ "cents": 1250 })),
        Reply::status(201),
    )
    .times(2);
    let problem = client(&bank)
        .post("/charges")
        .json(&json!({ "cents": 1000, "note": "tea" }))
        .await
        .expect(501)
        .problem("unimplemented");
    assert!(problem["detail"].as_str().unwrap().contains("body.cents is 1000"), "{problem}");
    assert_eq!(
        said(bank),
        "the mock server at http://mock was not used as expected\n\
         \n\
         \x20 POST /charges was expected 2 times, and it never came\n\
         \n\
         \x20 POST /charges\n\
         \x20   content-type: application/json\n\
         \x20   {\"cents\":1000,\"note\":\"tea\"}\n\
         \x20 matches nothing; nearest is POST /charges, but\n\
         \x20   header idempotency-key is missing; it should be `k-7`\n\
         \x20   body.cents is 1000, not 1250\n\
         \x20   body.note is \"tea\", not absent\n"
    );
}

#[tokio::test]
async fn one_request_too_many_matches_nothing() {
    let bank = MockServer::start();
    bank.mock(When::get("/rates"), Reply::status(200)).times(1);
    client(&bank).get("/rates").await.expect(200);
    client(&bank).get("/rates").await.expect(501);
    let said = said(bank);
    assert!(said.contains("it was expected once, and this is one more"), "{said}");
}

#[test]
fn an_expectation_that_is_not_met_fails_the_test() {
    let bank = MockServer::start();
    let _ = bank.mock(When::get("/rates"), Reply::status(200));
    let said = said(bank);
    assert!(said.contains("GET /rates was expected once at least, and it never came"), "{said}");

    let background = MockServer::start().lenient();
    background.mock(When::get("/rates"), Reply::status(200)).times(1);
    drop(background);
}
