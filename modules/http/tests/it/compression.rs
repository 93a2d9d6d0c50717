//! Compressed answers and requests.

use std::io::{Read, Write};

use axum::response::sse::{Event, Sse};
use bytes::Bytes;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use futures_util::stream;
use http::header::CONTENT_TYPE;
use purlin::config::ByteSize;
use purlin_http::{
    Options, Routes,
    config::CompressionConfig,
    routes::{get, post},
};

use crate::support::{Answer, Running, start, start_with};

pub(crate) fn start_compressing() -> Running {
    let text = "so it goes, ".repeat(1_000);
    let routes = Routes::new()
        .public("/", get(async || "hello"))
        .public("/text", get(async move || text))
        .public("/short", get(async || "short"))
        .public("/image", get(async || ([(CONTENT_TYPE, "image/png")], vec![0; 100_000])))
        .public(
            "/events",
            get(async || {
                Sse::new(stream::iter([Ok::<_, axum::Error>(Event::default().data("x"))]))
            }),
        )
        .public("/wrong", get(async || http::StatusCode::NOT_FOUND))
        .public("/length", post(async |body: Bytes| body.len().to_string()))
        .public("/echo", post(async |body: String| body));
    let compression =
        CompressionConfig { responses: true, requests: true, ..CompressionConfig::default() };
    start_with(
        routes,
        (),
        &Options { compression, body_limit: ByteSize::mib(1), ..Options::default() },
    )
}

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

async fn ask(app: &Running, path: &str, accept: &str) -> (http::HeaderMap, Vec<u8>) {
    let request = app.request("GET", path).header("accept-encoding", accept);
    let response = request.send().await.unwrap();
    (response.headers().clone(), response.bytes().await.unwrap().to_vec())
}

pub(crate) async fn send(app: &Running, path: &str, coding: &str, body: Vec<u8>) -> Answer {
    Answer::of(app.request("POST", path).header("content-encoding", coding).body(body)).await
}

#[tokio::test]
async fn text_is_compressed_as_the_caller_likes_it() {
    let app = start_compressing();
    let plain = app.get("/text").await;
    assert!(!plain.headers.contains_key("content-encoding"));
    let (headers, body) = ask(&app, "/text", "gzip").await;
    assert_eq!(headers["content-encoding"], "gzip");
    assert_eq!(headers["vary"], "accept-encoding");
    assert!(body.len() < 1_000, "{}", body.len());
    let mut text = String::new();
    GzDecoder::new(&*body).read_to_string(&mut text).unwrap();
    assert_eq!(text, plain.text);
    for coding in ["br", "zstd"] {
        let (headers, body) = ask(&app, "/text", coding).await;
        assert_eq!(headers["content-encoding"], coding);
        assert!(body.len() < 1_000, "{}", body.len());
    }
}

#[tokio::test]
async fn what_does_not_gain_by_it_is_left_alone() {
    let app = start_compressing();
    for path in ["/short", "/image", "/events", "/wrong"] {
        let (headers, _) = ask(&app, path, "gzip, br, zstd").await;
        assert!(!headers.contains_key("content-encoding"), "{path}");
    }
    let (headers, _) = ask(&app, "/text", "snappy, identity").await;
    assert!(!headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn a_compressed_body_is_read_as_if_it_were_not() {
    let app = start_compressing();
    let answer = send(&app, "/echo", "gzip", gzip("ada".repeat(1_000).as_bytes())).await;
    assert_eq!((answer.status, answer.text), (200, "ada".repeat(1_000)));
    let plain = Answer::of(app.request("POST", "/echo").body("plain")).await;
    assert_eq!(plain.text, "plain");
    send(&app, "/echo", "gzip", b"not gzip".to_vec()).await.problem(400, "invalid_argument");
}

#[tokio::test]
async fn it_is_off_at_first() {
    let text = "so it goes, ".repeat(1_000);
    let routes = Routes::new()
        .public("/text", get(async move || text))
        .public("/length", post(async |body: Bytes| body.len().to_string()));
    let app = start(routes, ());
    assert!(!ask(&app, "/text", "gzip").await.0.contains_key("content-encoding"));
    let body = gzip(b"ada");
    assert_eq!(send(&app, "/length", "gzip", body.clone()).await.text, body.len().to_string());
}
