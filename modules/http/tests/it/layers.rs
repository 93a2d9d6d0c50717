//! Correlation, access log, and layers that are off.

use std::time::Duration;

use purlin_core::config::ByteSize;
use purlin_http::{
    CorrelationId, Options,
    config::LayersConfig,
    routes::{Routes, get, post},
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{Answer, Log, start, start_with};

fn routes() -> Routes {
    Routes::new().public(
        "/id/{name}",
        get(async |id: CorrelationId| {
            tracing::info!("in the handler");
            id.to_string()
        }),
    )
}

#[tokio::test]
async fn a_valid_identifier_is_kept_and_another_one_replaced() {
    let app = start(routes(), ());
    let send = async |headers: &[(&str, &str)]| {
        let request = app.request("GET", "/id/x");
        Answer::of(headers.iter().fold(request, |it, (name, value)| it.header(*name, *value))).await
    };
    let kept = send(&[("x-correlation-id", "abc-1")]).await;
    assert_eq!((kept.text.as_str(), kept.header("x-correlation-id")), ("abc-1", "abc-1"));
    assert!(!kept.headers.contains_key("x-request-id"));

    let kept = send(&[("x-request-id", "req:7")]).await;
    assert_eq!((kept.text.as_str(), kept.header("x-correlation-id")), ("req:7", "req:7"));
    assert_eq!(kept.header("x-request-id"), "req:7");

    let first = send(&[("x-correlation-id", "one"), ("x-request-id", "two")]).await;
    assert_eq!(first.text, "one");

    for bad in ["a b", "a\"b", "{}", &"x".repeat(129)] {
        let made = send(&[("x-correlation-id", bad)]).await;
        assert_ne!(made.text, bad);
        assert_eq!(made.text.len(), 36);
        assert_eq!(made.header("x-correlation-id"), made.text);
    }
    assert_ne!(send(&[]).await.text, send(&[]).await.text);
}

#[tokio::test]
async fn each_request_is_one_line_and_its_logs_carry_the_identifier() {
    let log = Log::capture();
    let app = start(routes(), ());
    let request = app.request("GET", "/id/ada?token=secret").header("x-correlation-id", "abc-1");
    Answer::of(request).await;
    app.get("/nowhere").await;

    let lines = log.events("purlin_http::access");
    assert_eq!(lines.len(), 2, "{lines:?}");
    let fields = &lines[0]["fields"];
    assert_eq!(fields["http.request.method"], "GET");
    assert_eq!(fields["url.path"], "/id/ada");
    assert_eq!(fields["http.route"], "/id/{name}");
    assert_eq!(fields["http.response.status_code"], 200);
    assert_eq!(
        (&fields["http.response.body.size"], &fields["client.address"]),
        (&5.into(), &"127.0.0.1".into())
    );
    assert!(fields["duration_ms"].as_f64().is_some_and(|duration| duration > 0.0));
    assert_eq!(lines[0]["span"]["correlation_id"], "abc-1");
    assert_eq!(lines[1]["fields"]["http.route"], "<unmatched>");
    assert_eq!(lines[1]["fields"]["http.response.status_code"], 404);

    let inside = log.events("it::layers");
    assert_eq!(inside.len(), 1, "{inside:?}");
    assert_eq!(inside[0]["span"]["correlation_id"], "abc-1");
    assert!(!format!("{lines:?}{inside:?}").contains("secret"));
}

#[tokio::test]
async fn the_client_behind_a_proxy_is_on_the_line_and_a_size_that_nobody_knows_is_not() {
    let log = Log::capture();
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let options = Options { trusted_proxies, ..Options::default() };
    let stream = || futures_util::stream::iter([Ok::<_, std::io::Error>("some")]);
    let routes =
        Routes::<()>::new().public("/", get(async move || axum::body::Body::from_stream(stream())));
    let app = start_with(routes, (), &options);
    Answer::of(app.request("GET", "/").header("x-forwarded-for", "192.0.2.7")).await;
    let lines = log.events("purlin_http::access");
    assert_eq!(lines[0]["fields"]["client.address"], "192.0.2.7");
    assert_eq!(lines[0]["fields"].get("http.response.body.size"), None);
}

#[tokio::test]
async fn a_caller_who_leaves_is_a_line_too() {
    let log = Log::capture();
    let (entered, mut in_handler) = tokio::sync::mpsc::channel::<()>(1);
    let handler = async move || {
        entered.send(()).await.unwrap();
        std::future::pending::<()>().await;
    };
    let app = start(Routes::new().public("/slow", get(handler)), ());
    let mut stream = TcpStream::connect(app.addr).await.unwrap();
    stream.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    in_handler.recv().await.unwrap();
    drop(stream);
    let clock = purlin::clock::Clock::system();
    let line = clock.timeout(Duration::from_secs(5), async {
        loop {
            if let Some(line) = log.events("purlin_http::access").pop() {
                break line;
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(line.await.unwrap()["fields"]["http.response.status_code"], 499);
}

#[tokio::test]
async fn every_layer_can_be_off() {
    let log = Log::capture();
    let options = Options { layers: LayersConfig::NONE, ..Options::default() };
    let routes = Routes::new()
        .public("/", get(async |id: Option<CorrelationId>| id.is_none().to_string()))
        .public(
            "/panic",
            get(async || {
                if true {
                    panic!("nobody catches this")
                }
            }),
        );
    let app = start_with(routes, (), &options);
    let answer = app.get("/").await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "true"));
    assert!(!answer.headers.contains_key("x-correlation-id"));
    assert_eq!(app.get("/nowhere").await.text, "");
    assert!(app.request("GET", "/panic").send().await.is_err());
    assert!(log.events("purlin_http").is_empty());
}

#[tokio::test]
async fn each_layer_can_be_off_while_others_are_on() {
    let log = Log::capture();
    let layers = LayersConfig { enabled: true, ..LayersConfig::NONE };
    let options = Options { layers, body_limit: ByteSize::kib(1), ..Options::default() };
    let routes = Routes::new()
        .public("/", get(async |id: Option<CorrelationId>| id.is_none().to_string()))
        .public("/body", post(async |body: String| body));
    let app = start_with(routes, (), &options);
    let answer = app.get("/").await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "true"));
    assert!(!answer.headers.contains_key("x-correlation-id"));
    let large = app.request("POST", "/body").body("x".repeat(1025)).send().await.unwrap();
    assert_eq!(large.status(), 413, "the limit has no switch of its own");
    assert!(log.events("purlin_http").is_empty());
}

#[tokio::test]
async fn without_layers_a_route_has_the_limits_of_axum() {
    let layers = LayersConfig::NONE;
    let options = Options { layers, body_limit: ByteSize::kib(1), ..Options::default() };
    let app = start_with(Routes::new().public("/", post(async |_: String| ())), (), &options);
    let send = async |bytes| {
        app.request("POST", "/").body("x".repeat(bytes)).send().await.unwrap().status()
    };
    assert_eq!(send(2 << 20).await, 200);
    assert_eq!(send((2 << 20) + 1).await, 413);
}
