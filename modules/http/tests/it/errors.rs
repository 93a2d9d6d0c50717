//! Every kind of error is a problem, whoever made it.

use std::{future::pending, time::Duration};

use axum::{
    Extension, Form, Json,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use purlin::error::{Code, ServiceError};
use purlin_http::{
    Options,
    extract::Valid,
    problem::{Problem, respond},
    routes::{MethodRoute, Routes, get, post},
};
use serde::Deserialize;
use serde_json::json;

use crate::support::{Answer, Log, start, start_with};

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only the errors matter here")]
struct Order {
    customer: String,
    amount: i64,
}

#[derive(Debug, thiserror::Error)]
#[error("order 7 is secret")]
struct Failure {
    code: Code,
    source: std::io::Error,
}

impl ServiceError for Failure {
    fn code(&self) -> Code {
        self.code
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        respond(&self)
    }
}

fn fails(code: Code) -> MethodRoute {
    get(async move || -> Result<(), Failure> {
        Err(Failure { code, source: std::io::Error::other("disk") })
    })
}

const CODES: [(Code, u16); 16] = [
    (Code::Cancelled, 499),
    (Code::Unknown, 500),
    (Code::InvalidArgument, 422),
    (Code::DeadlineExceeded, 504),
    (Code::NotFound, 404),
    (Code::AlreadyExists, 409),
    (Code::PermissionDenied, 403),
    (Code::ResourceExhausted, 429),
    (Code::FailedPrecondition, 409),
    (Code::Aborted, 409),
    (Code::OutOfRange, 422),
    (Code::Unimplemented, 501),
    (Code::Internal, 500),
    (Code::Unavailable, 503),
    (Code::DataLoss, 500),
    (Code::Unauthenticated, 401),
];

#[tokio::test]
async fn the_errors_of_a_service_follow_the_table_of_codes() {
    let routes = CODES.iter().fold(Routes::new(), |routes, (code, _)| {
        routes.public(&format!("/{}", code.name()), fails(*code))
    });
    let app = start(routes, ());
    for (code, status) in CODES {
        let path = format!("/{}?secret=1", code.name());
        let problem = app.get(&path).await.problem(status, code.name());
        assert_eq!(problem["instance"], format!("/{}", code.name()));
        let detail = if code.is_internal() { json!(null) } else { json!("order 7 is secret") };
        assert_eq!(problem["detail"], detail);
    }
}

#[tokio::test]
async fn an_internal_error_is_logged_once_with_its_causes() {
    let log = Log::capture();
    let app = start(Routes::new().public("/fail", fails(Code::Internal)), ());
    let answer = app.get("/fail").await;
    let errors: Vec<_> = log.events("purlin_http::problem");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["fields"]["error"], "order 7 is secret: disk");
    assert_eq!(errors[0]["span"]["correlation_id"], answer.header("x-correlation-id"));
}

#[tokio::test]
async fn the_rejections_of_axum_become_problems() {
    async fn json_body(_: Json<Order>) {}
    async fn form(_: Form<Order>) {}
    async fn query(_: Query<Order>) {}
    async fn path(_: Path<u64>) {}
    async fn text(_: String) {}
    let routes = Routes::new()
        .public("/json", post(json_body))
        .public("/form", post(form).get(form))
        .public("/query", get(query))
        .public("/path/{id}", get(path))
        .public("/text", post(text))
        .public("/extension", get(async |_: Extension<u8>| ()))
        .public("/no-params", get(path))
        .public("/params/{a}/{b}", get(path));
    let app = start(routes, ());

    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    let cases = [
        ("POST", "/json", json, "{", 400, "invalid_argument", "Failed to parse the request body"),
        ("POST", "/json", json, "{}", 422, "invalid_argument", "missing field `customer`"),
        (
            "POST",
            "/json",
            "text/plain",
            "{}",
            415,
            "unsupported_media_type",
            "Expected request with",
        ),
        ("POST", "/form", form, "a=b", 422, "invalid_argument", "Failed to deserialize form body"),
        ("POST", "/form", json, "{}", 415, "unsupported_media_type", "Form requests must have"),
        ("GET", "/form?a=b", form, "", 400, "invalid_argument", "Failed to deserialize form"),
        (
            "GET",
            "/query?a=b",
            json,
            "",
            400,
            "invalid_argument",
            "Failed to deserialize query string",
        ),
        ("GET", "/path/x", json, "", 404, "not_found", "path parameter `id` must be"),
        ("GET", "/nowhere", json, "", 404, "not_found", ""),
        ("DELETE", "/json", json, "", 405, "method_not_allowed", ""),
        ("GET", "/extension", json, "", 500, "internal", ""),
        ("GET", "/no-params", json, "", 500, "internal", ""),
        ("GET", "/params/1/2", json, "", 500, "internal", ""),
    ];
    for (method, path, media_type, body, status, code, detail) in cases {
        let request = app.request(method, path).header("content-type", media_type).body(body);
        let problem = Answer::of(request).await.problem(status, code);
        let shown = problem["detail"].as_str().unwrap_or_default();
        assert!(
            shown.contains(detail) && shown.is_empty() == detail.is_empty(),
            "{path}: {problem}"
        );
    }

    let no_text = app.request("POST", "/text").body(vec![0xff]);
    Answer::of(no_text).await.problem(400, "invalid_argument");
    let not_allowed = Answer::of(app.request("DELETE", "/form")).await;
    assert_eq!(not_allowed.header("allow"), "POST,GET,HEAD");
}

#[tokio::test]
async fn a_parameter_of_the_path_that_is_wrong_is_named() {
    #[derive(Deserialize, validator::Validate)]
    struct Place {
        #[expect(dead_code, reason = "what matters is that it is read")]
        row: u16,
    }
    let routes = Routes::new()
        .public("/one/{id}", get(async |_: Path<u64>| ()))
        .public("/two/{shelf}/{book}", get(async |_: Path<(String, i8)>| ()))
        .public("/named/{row}/{seat}", get(async |_: Path<Place>| ()))
        .public("/valid/{row}", get(async |_: Valid<Path<Place>>| ()))
        .public("/address/{host}", get(async |_: Path<std::net::Ipv4Addr>| ()))
        .public("/flag/{on}", get(async |_: Path<bool>| ()));
    let app = start(routes, ());
    let cases = [
        ("/one/x", "id", "must be a whole number from 0 to 18446744073709551615, not `x`"),
        ("/one/%60x%60", "id", "must be a whole number from 0 to 18446744073709551615, not ``x``"),
        ("/one/%ff", "id", "is not valid UTF-8"),
        ("/two/a/300", "book", "must be a whole number from -128 to 127, not `300`"),
        ("/named/front/7", "row", "must be a whole number from 0 to 65535, not `front`"),
        ("/valid/front", "row", "must be a whole number from 0 to 65535, not `front`"),
        ("/address/nope", "host", "cannot be `nope`: invalid IPv4 address syntax"),
        ("/flag/on", "on", "must be `true` or `false`, not `on`"),
    ];
    for (path, field, message) in cases {
        let (status, code) =
            if path == "/one/%ff" { (400, "invalid_argument") } else { (404, "not_found") };
        let problem = app.get(path).await.problem(status, code);
        assert_eq!(problem["detail"], format!("path parameter `{field}` {message}"));
        assert_eq!(problem["errors"], json!([{ "field": field, "message": message }]));
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_however_it_is_sent_and_read() {
    async fn stream(body: axum::body::Body) -> Result<String, Problem> {
        let bytes = axum::body::to_bytes(body, usize::MAX).await;
        bytes.map(|bytes| bytes.len().to_string()).map_err(|_| Problem::internal())
    }
    let limit = purlin::config::ByteSize::new(10);
    let routes = Routes::new()
        .public("/text", post(async |text: String| text.len().to_string()))
        .public("/stream", post(stream))
        .public(
            "/large",
            post(async |text: String| text.len().to_string())
                .body_limit(purlin::config::ByteSize::mib(3)),
        );
    let app = start_with(routes, (), &Options { body_limit: limit, ..Options::default() });
    let send = async |path: &str, length: usize, chunked: bool| {
        let text = "x".repeat(length);
        let body = if chunked {
            let chunks = [Ok::<_, std::io::Error>(text)];
            reqwest::Body::wrap_stream(futures_util::stream::iter(chunks))
        } else {
            text.into()
        };
        Answer::of(app.request("POST", path).body(body)).await
    };
    assert_eq!(send("/text", 10, false).await.text, "10");
    assert_eq!(send("/text", 10, true).await.text, "10");
    let refused = send("/text", 11, false).await.problem(413, "payload_too_large");
    assert_eq!(refused["detail"], "the body is larger than 10");
    let refused = send("/text", 11, true).await.problem(413, "payload_too_large");
    assert_eq!(refused["detail"], "the body is larger than is allowed here");
    send("/stream", 11, false).await.problem(413, "payload_too_large");
    send("/stream", 11, true).await.problem(500, "internal");
    assert_eq!(send("/large", 3 << 20, false).await.text, (3 << 20).to_string());
    assert_eq!(send("/large", 3 << 20, true).await.text, (3 << 20).to_string());
    send("/large", (3 << 20) + 1, true).await.problem(413, "payload_too_large");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_and_dropped() {
    let routes = Routes::new()
        .public("/slow", get(pending::<()>))
        .public("/slower", get(pending::<()>).timeout(Duration::from_millis(60)));
    let options = Options { request_timeout: Duration::from_millis(30), ..Options::default() };
    let app = start_with(routes, (), &options);
    let problem = app.get("/slow").await.problem(504, "deadline_exceeded");
    assert_eq!(problem["detail"], "the request took longer than 30ms");
    let problem = app.get("/slower").await.problem(504, "deadline_exceeded");
    assert_eq!(problem["detail"], "the request took longer than 60ms");
}

#[tokio::test]
async fn a_panic_is_an_answer_and_a_line_in_the_log() {
    let log = Log::capture();
    async fn panics(State(text): State<&'static str>) {
        panic!("{text} broke");
    }
    let app = start(Routes::new().public("/panic", get(panics)), "it");
    let problem = app.get("/panic").await.problem(500, "internal");
    assert_eq!(problem["detail"], json!(null));
    let panics = log.events("purlin_http::layers::panics");
    assert_eq!(panics.len(), 1, "{panics:?}");
    assert_eq!(panics[0]["fields"]["panic"], "it broke");
    assert_eq!(panics[0]["span"]["correlation_id"], problem["correlation_id"]);
    app.get("/panic").await.problem(500, "internal");
}

#[tokio::test]
async fn what_a_handler_says_itself_is_left_alone() {
    let html = [("content-type", "text/html")];
    let routes = Routes::new()
        .public("/text", get(async || (StatusCode::NOT_FOUND, "no such thing")))
        .public("/html", get(async move || (StatusCode::BAD_GATEWAY, html, "<p>")))
        .public("/json", get(async || (StatusCode::CONFLICT, Json(json!({ "mine": true })))))
        .public(
            "/near",
            get(async || (StatusCode::CONFLICT, "Failed to parse the request body as JSON")),
        )
        .public("/fine", get(async || "Failed to parse the request body as JSON"))
        .public("/empty", get(async || StatusCode::GONE))
        .public(
            "/headers",
            get(async || {
                let mut response = Problem::new(StatusCode::SERVICE_UNAVAILABLE).into_response();
                response.headers_mut().insert("retry-after", "3".parse().unwrap());
                response
            }),
        );
    let app = start(routes, ());
    let cases = [
        ("/text", 404, "no such thing"),
        ("/html", 502, "<p>"),
        ("/json", 409, r#"{"mine":true}"#),
        ("/near", 409, "Failed to parse the request body as JSON"),
        ("/fine", 200, "Failed to parse the request body as JSON"),
    ];
    for (path, status, text) in cases {
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.text.as_str()), (status, text));
    }
    app.get("/empty").await.problem(410, "gone");
    let answer = app.get("/headers").await;
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "3");
}

#[tokio::test]
async fn without_the_layer_a_problem_is_still_one() {
    let layers = purlin_http::config::LayersConfig { problems: false, ..Default::default() };
    let options = Options { layers, ..Options::default() };
    let app = start_with(Routes::new().public("/fail", fails(Code::NotFound)), (), &options);
    let answer = app.get("/fail").await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.json()["detail"], "order 7 is secret");
    assert_eq!(app.get("/nowhere").await.text, "");
    assert_eq!(
        HeaderMap::get(&answer.headers, "content-length").unwrap(),
        &answer.text.len().to_string()
    );
}
