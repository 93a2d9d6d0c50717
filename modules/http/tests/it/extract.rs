//! Extractors and responses.

use axum::{
    Form, Json,
    extract::{Path, Query},
};
use purlin_http::{
    extract::{Created, Cursor, CursorPage, CursorPaged, Page, Paged, Valid},
    problem::Problem,
    routes::{Routes, get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use validator::Validate;

use crate::support::{Answer, Running, start};

#[derive(Debug, Serialize, Deserialize, Validate)]
struct NewOrder {
    #[validate(length(min = 1, message = "must not be empty"))]
    customer: String,
    #[validate(range(min = 1))]
    amount_cents: i64,
    #[serde(default)]
    #[validate(nested)]
    lines: Vec<Line>,
}

#[derive(Debug, Serialize, Deserialize, Validate)]
struct Line {
    #[validate(length(min = 2, max = 4))]
    sku: String,
}

async fn create(Valid(Json(new)): Valid<Json<NewOrder>>) -> Created<NewOrder> {
    Created::new(format!("/orders/{}", new.customer), new)
}

async fn page(page: Page) -> Json<Paged<i64>> {
    Json(Paged::new(vec![page.limit(), page.offset()], 7))
}

async fn cursor(page: CursorPage) -> Result<Json<CursorPaged<u64>>, Problem> {
    let after = page.after()?.unwrap_or(0);
    let items: Vec<u64> = (after + 1..=7).take(usize::try_from(page.limit()).unwrap()).collect();
    let next = items.last().filter(|last| **last < 7).map(Cursor::of);
    Ok(Json(CursorPaged { items, next }))
}

fn app() -> Running {
    let routes = Routes::new()
        .public("/orders", post(create))
        .public("/form", post(async |Valid(Form(it)): Valid<Form<Line>>| it.sku))
        .public("/query", get(async |Valid(Query(it)): Valid<Query<Line>>| it.sku))
        .public("/path/{sku}", get(async |Valid(Path(it)): Valid<Path<Line>>| it.sku))
        .public("/page", get(page))
        .public("/cursor", get(cursor));
    start(routes, ())
}

async fn order(app: &Running, body: impl Into<reqwest::Body>) -> Answer {
    let request = app.request("POST", "/orders").header("content-type", "application/json");
    Answer::of(request.body(body)).await
}

fn errors(problem: &Value) -> Vec<(&str, &str)> {
    let text = |value: &'_ Value| -> &'static str {
        Box::leak(value.as_str().unwrap().to_owned().into_boxed_str())
    };
    let errors = problem["errors"].as_array().unwrap().iter();
    errors.map(|error| (text(&error["field"]), text(&error["message"]))).collect()
}

#[tokio::test]
async fn what_was_created_is_answered_with_its_place() {
    let answer = order(&app(), r#"{"customer":"ada l","amount_cents":1250}"#).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("location"), "/orders/ada%20l");
    assert_eq!(answer.json(), json!({ "customer": "ada l", "amount_cents": 1250, "lines": [] }));
}

#[tokio::test]
async fn all_fields_that_are_wrong_are_named() {
    let app = app();
    let body = r#"{"customer":"","amount_cents":0,"lines":[{"sku":"ok"},{"sku":"x"}]}"#;
    let problem = order(&app, body).await.problem(422, "invalid_argument");
    assert_eq!(problem["detail"], "3 fields are not valid");
    let expected = [
        ("amount_cents", "must be at least 1"),
        ("customer", "must not be empty"),
        ("lines[1].sku", "must have a length of from 2 to 4"),
    ];
    assert_eq!(errors(&problem), expected);

    let problem = order(&app, r#"{"amount_cents":1}"#).await.problem(422, "invalid_argument");
    assert_eq!(errors(&problem), [("customer", "is missing")]);
    assert_eq!(problem["detail"], "`customer` is missing");

    let body = r#"{"customer":"a","amount_cents":"many"}"#;
    let problem = order(&app, body).await.problem(422, "invalid_argument");
    assert_eq!(errors(&problem), [("amount_cents", "invalid type: string \"many\", expected i64")]);
}

#[tokio::test]
async fn what_is_no_json_is_told_from_what_is_wrong_json() {
    let app = app();
    let problem = order(&app, "{").await.problem(400, "invalid_argument");
    assert!(problem["detail"].as_str().unwrap().starts_with("the body is not JSON: "));
    order(&app, " ".repeat(3 << 20)).await.problem(413, "payload_too_large");
    let text = app.request("POST", "/orders").header("content-type", "text/plain").body("{}");
    Answer::of(text).await.problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn forms_queries_and_paths_are_validated_too() {
    let app = app();
    let form = |body: &'static str| {
        let request = app.request("POST", "/form");
        request.header("content-type", "application/x-www-form-urlencoded").body(body)
    };
    assert_eq!(Answer::of(form("sku=abc")).await.text, "abc");
    assert_eq!(app.get("/query?sku=abc").await.text, "abc");
    assert_eq!(app.get("/path/abc").await.text, "abc");
    for answer in
        [Answer::of(form("sku=a")).await, app.get("/query?sku=a").await, app.get("/path/a").await]
    {
        let problem = answer.problem(422, "invalid_argument");
        assert_eq!(errors(&problem), [("sku", "must have a length of from 2 to 4")]);
    }
    Answer::of(form("x=y")).await.problem(422, "invalid_argument");
    app.get("/query?x=y").await.problem(400, "invalid_argument");
}

#[tokio::test]
async fn a_page_keeps_its_bounds() {
    let app = app();
    let fine = [
        ("", [20, 0]),
        ("?limit=1&offset=0", [1, 0]),
        ("?limit=100&offset=9223372036854775807&x=y", [100, i64::MAX]),
    ];
    for (query, items) in fine {
        let answer = app.get(&format!("/page{query}")).await;
        assert_eq!(answer.json(), json!({ "items": items, "total": 7 }), "{query}");
    }
    let limit = ("limit", "must be a whole number from 1 to 100");
    let offset = ("offset", "must be a whole number of at least 0");
    let wrong = [
        ("?limit=0", vec![limit]),
        ("?limit=101", vec![limit]),
        ("?limit=", vec![limit]),
        ("?limit=ten&offset=-1", vec![limit, offset]),
        ("?offset=9223372036854775808", vec![offset]),
        ("?offset=1.5", vec![offset]),
    ];
    for (query, expected) in wrong {
        let problem = app.get(&format!("/page{query}")).await.problem(422, "invalid_argument");
        assert_eq!(errors(&problem), expected, "{query}");
    }
}

#[tokio::test]
async fn a_cursor_leads_through_a_list_once() {
    let app = app();
    let (mut path, mut seen) = ("/cursor?limit=3".to_owned(), Vec::new());
    loop {
        let answer = app.get(&path).await.json();
        seen.extend(answer["items"].as_array().unwrap().iter().map(|item| item.as_u64().unwrap()));
        match answer["next"].as_str() {
            Some(cursor) => path = format!("/cursor?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
    for cursor in ["%21", "Im5vIG51bWJlciI"] {
        let path = format!("/cursor?cursor={cursor}");
        let problem = app.get(&path).await.problem(422, "invalid_argument");
        assert_eq!(problem["errors"][0]["field"], "cursor");
    }
}
