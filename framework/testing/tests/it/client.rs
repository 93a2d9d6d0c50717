//! The client of a server under test, and what it asserts.

#![expect(clippy::unwrap_used, reason = "a fixture of tests fails by panicking")]

use std::panic::AssertUnwindSafe;

use purlin_testing::{Client, MockServer, Reply, When, snapshot};
use serde_json::json;

/// A server that refuses every order.
fn shop() -> MockServer {
    let shop = MockServer::start();
    let refused = Reply::status(422)
        .json(&json!({
            "status": 422,
            "detail": "2 fields are wrong",
            "code": "invalid_argument",
            "correlation_id": "0199f1e2-8b6c-7d1a-9c3e-5f2a4b6c8d0e",
            "errors": [
                { "field": "customer", "message": "must not be empty" },
                { "field": "lines[0].cents", "message": "must be at least 1" },
            ],
        }))
        .header("content-type", "application/problem+json");
    shop.mock(When::patch("/orders/7").bearer("alice"), refused).times(1..);
    shop
}

async fn refused(shop: &MockServer) -> purlin_testing::Response {
    Client::new(shop.address()).as_bearer("alice").patch("/orders/7").await
}

fn failure(work: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(AssertUnwindSafe(work)).expect_err("it fails");
    *panic.downcast::<String>().unwrap()
}

#[tokio::test]
async fn a_problem_is_asserted_field_by_field() {
    let shop = shop();
    let problem = refused(&shop)
        .await
        .expect_problem(422)
        .code("invalid_argument")
        .detail("2 fields")
        .field("customer")
        .fields_are(["lines[0].cents", "customer"]);
    assert_eq!(problem.message("customer"), Some("must not be empty"));
    assert_eq!(problem["status"], 422);
}

#[tokio::test]
async fn an_assertion_that_fails_shows_the_problem() {
    let shop = shop();
    let problem = refused(&shop).await.expect_problem(422);
    let text = failure(|| drop(problem.clone().field("amount")));
    assert!(text.starts_with("PATCH /orders/7: nothing is wrong with `amount` in {"), "{text}");
    failure(|| drop(problem.clone().code("not_found")));
    failure(|| drop(problem.clone().detail("3 fields")));
    failure(|| drop(problem.clone().fields_are(["customer"])));

    let other = refused(&shop).await;
    let text = failure(|| drop(other.expect_problem(404)));
    assert!(text.contains("2 fields are wrong"), "{text}");
}

#[tokio::test]
async fn an_answer_is_shown_without_what_differs_from_run_to_run() {
    let shop = shop();
    snapshot!(refused(&shop).await, @r#"
    {
      "status": 422,
      "content_type": "application/problem+json",
      "body": {
        "status": 422,
        "detail": "2 fields are wrong",
        "code": "invalid_argument",
        "correlation_id": "[uuid 1]",
        "errors": [
          {
            "field": "customer",
            "message": "must not be empty"
          },
          {
            "field": "lines[0].cents",
            "message": "must be at least 1"
          }
        ]
      }
    }
    "#);
}
