//! Streams and WebSockets, to their end.

use std::net::SocketAddr;

use axum::{
    body::{Body, Bytes},
    response::{
        Response,
        sse::{Event as SseEvent, Sse},
    },
};
use futures_util::{SinkExt as _, Stream, StreamExt as _, stream};
use http::StatusCode;
use purlin::{
    app::{App, Running},
    event::Event,
};
use purlin_http::{
    HttpModule, Routes,
    routes::get,
    stream::Drain,
    ws::{Message, WebSocket, WebSocketUpgrade},
};
use serde_json::Value;
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message as ClientMessage, client::IntoClientRequest},
};

use crate::support::{self, Log, PARENT};

type Sent = Result<SseEvent, axum::Error>;
type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One event, and no further one.
async fn prices(drain: Drain) -> Sse<impl Stream<Item = Sent>> {
    let first = stream::iter([Ok(SseEvent::default().data("first"))]);
    Sse::new(drain.end(first.chain(stream::pending())))
}

async fn stubborn() -> Response {
    let first = stream::iter([Ok::<_, axum::Error>(Bytes::from("first"))]);
    Response::new(Body::from_stream(first.chain(stream::pending())))
}

async fn short() -> Response {
    let parts = stream::iter(["one, ", "two"].map(|it| Ok::<_, axum::Error>(Bytes::from(it))));
    Response::new(Body::from_stream(parts))
}

async fn broken() -> Response {
    let parts = stream::iter([Ok(Bytes::from("one")), Err(axum::Error::new("it broke"))]);
    Response::new(Body::from_stream(parts))
}

async fn echo(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |mut socket: WebSocket| {
        while let Some(Ok(message)) = socket.recv().await {
            if matches!(message, Message::Text(_)) && socket.send(message).await.is_err() {
                break;
            }
        }
    })
}

/// Sends, and never listens.
async fn ticker(upgrade: WebSocketUpgrade, drain: Drain) -> Response {
    upgrade.on_upgrade(async move |mut socket: WebSocket| {
        while socket.send(Message::text("tick")).await.is_ok() {
            drain.begun().await;
        }
    })
}

async fn deaf(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |_socket| std::future::pending().await)
}

fn routes() -> Routes {
    Routes::new()
        .public("/prices", get(prices))
        .public("/stubborn", get(stubborn))
        .public("/short", get(short))
        .public("/broken", get(broken))
        .public("/echo", get(echo))
        .public("/ticker", get(ticker))
        .public("/deaf", get(deaf))
        .public("/plain", get(async || "plain"))
        .public("/telling", get(telling))
        .public("/telling-socket", get(telling_socket))
}

/// An application, and what its server reports at its stop.
struct Service {
    running: Running,
    address: SocketAddr,
    reports: mpsc::UnboundedReceiver<String>,
}

impl Service {
    async fn start(drain: &str) -> Self {
        let (report, reports) = mpsc::unbounded_channel();
        let running = App::builder()
            .set("lifecycle.drain_delay", "0s")
            .set("http.listen", "127.0.0.1:0")
            .set("http.drain", drain)
            .module(HttpModule::new(routes))
            .on_event(move |event| {
                if let Event::RunnableStopped { name, detail, .. } = event
                    && name == "http"
                {
                    let _ = report.send(detail.to_string());
                }
            })
            .start()
            .await
            .unwrap();
        let address = running.address("http").unwrap();
        Self { running, address, reports }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(format!("http://{}{path}", self.address)).await.unwrap()
    }

    async fn connect(&self, path: &str) -> Client {
        connect_async(format!("ws://{}{path}", self.address)).await.unwrap().0
    }

    async fn stop(mut self) -> (i32, String) {
        let exit = self.running.stop().await;
        (i32::from(exit.code()), self.reports.recv().await.unwrap())
    }
}

/// What a stream says on the log and sends onward, for each of its events and at its end.
async fn telling(drain: Drain) -> Sse<impl Stream<Item = Sent>> {
    struct AtEnd;
    impl Drop for AtEnd {
        fn drop(&mut self) {
            tracing::info!(target: "telling", onward = onward(), "gone");
        }
    }

    let at_end = AtEnd;
    let events = stream::iter(["first", "second"]).then(move |event| {
        let _ = &at_end;
        async move {
            // It is another time that this is polled.
            tokio::task::yield_now().await;
            tracing::info!(target: "telling", onward = onward(), event);
            Ok(SseEvent::default().data(event))
        }
    });
    Sse::new(drain.end(events))
}

/// The same over a WebSocket.
async fn telling_socket(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |mut socket: WebSocket| {
        while let Some(Ok(Message::Text(_))) = socket.recv().await {
            tracing::info!(target: "telling", onward = onward(), "message");
        }
    })
}

/// What whoever is called from here gets: trace, tenant and correlation id.
fn onward() -> String {
    let mut headers = http::HeaderMap::new();
    purlin_http::propagation::inject(&mut headers);
    let text = |name| headers.get(name).map_or("none", |value| value.to_str().unwrap());
    [text("traceparent"), text("baggage"), text("x-correlation-id")].join(" ")
}

/// The line about the end of a stream; it may come a little after the client has seen it.
async fn ended(log: &Log) -> Value {
    for _ in 0..10_000 {
        if let Some(line) = log.events("purlin_http::stream").pop() {
            return line["fields"].clone();
        }
        tokio::task::yield_now().await;
    }
    panic!("no stream has ended");
}

#[tokio::test]
async fn events_end_when_the_server_drains_and_the_answer_is_complete() {
    let log = Log::capture();
    let service = Service::start("30s").await;
    let mut answer = service.get("/prices").await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "data: first\n\n");

    let stop = service.stop();
    let (rest, (code, report)) = tokio::join!(async { answer.chunk().await.unwrap() }, stop);
    assert_eq!(rest, None, "it ended, and was not cut");
    assert_eq!(code, 0);
    assert_eq!(report, "1 connection closed, 1 request finished");
    let line = ended(&log).await;
    assert_eq!((&line["route"], &line["end"]), (&"/prices".into(), &"complete".into()));
    assert_eq!(line["bytes"], 13);
}

#[tokio::test]
async fn what_does_not_end_is_cut_and_named() {
    let log = Log::capture();
    let service = Service::start("50ms").await;
    let mut one = service.get("/stubborn").await;
    let mut two = service.get("/stubborn").await;
    assert_eq!(one.chunk().await.unwrap().unwrap(), "first");
    assert_eq!(two.chunk().await.unwrap().unwrap(), "first");
    let mut deaf = service.connect("/deaf").await;
    let (_, report) = service.stop().await;
    assert!(
        report.ends_with("3 connections cut at the deadline (/deaf, /stubborn ×2)"),
        "{report}"
    );
    assert!(one.chunk().await.is_err(), "the answer is not complete");
    assert!(!matches!(deaf.next().await, Some(Ok(_))));
    assert_eq!(ended(&log).await["end"], "cut");
}

#[tokio::test]
async fn a_stream_is_a_line_at_its_end() {
    for (path, end, bytes) in [("/short", "complete", 8), ("/broken", "failed", 3)] {
        let log = Log::capture();
        let service = Service::start("1s").await;
        // What is broken may fail before its head is sent.
        if let Ok(answer) = reqwest::get(format!("http://{}{path}", service.address)).await {
            let _ = answer.bytes().await;
        }
        let line = ended(&log).await;
        assert_eq!((&line["end"], &line["bytes"]), (&end.into(), &bytes.into()), "{path}");
        assert!(line["duration_ms"].is_number());
        service.stop().await;
    }
    let log = Log::capture();
    let service = Service::start("1s").await;
    assert_eq!(service.get("/plain").await.text().await.unwrap(), "plain");
    drop(service.get("/prices").await);
    let line = ended(&log).await;
    assert_eq!((&line["route"], &line["end"]), (&"/prices".into(), &"gone".into()));
    assert_eq!(log.events("purlin_http::stream").len(), 1, "what is short is no stream");
    service.stop().await;
}

#[tokio::test]
async fn a_socket_is_closed_as_going_away() {
    let log = Log::capture();
    let service = Service::start("30s").await;
    let mut client = service.connect("/echo").await;
    client.send(ClientMessage::text("hello")).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap().into_text().unwrap(), "hello");

    let stop = service.stop();
    let (closed, (code, report)) = tokio::join!(
        async {
            let closed = client.next().await.unwrap().unwrap();
            // Reading on sends the answer to it.
            assert!(client.next().await.is_none_or(|it| it.is_err()));
            closed
        },
        stop
    );
    let ClientMessage::Close(Some(frame)) = closed else { panic!("{closed:?}") };
    assert_eq!(u16::from(frame.code), 1001);
    assert_eq!(frame.reason.as_str(), "the service is stopping");
    assert_eq!((code, &*report), (0, "1 connection closed, 0 requests finished"));
    let line = ended(&log).await;
    assert_eq!((&line["route"], &line["end"]), (&"/echo".into(), &"complete".into()));
    assert_eq!(line["bytes"], 5);
}

#[tokio::test]
async fn a_socket_that_only_sends_is_closed_as_well() {
    let service = Service::start("30s").await;
    let mut client = service.connect("/ticker").await;
    assert_eq!(client.next().await.unwrap().unwrap().into_text().unwrap(), "tick");
    let stop = service.stop();
    let (closed, (code, _)) = tokio::join!(client.next(), stop);
    let ClientMessage::Close(Some(frame)) = closed.unwrap().unwrap() else { panic!("no close") };
    assert_eq!((u16::from(frame.code), code), (1001, 0));
}

/// Whatever a stream says or asks for is said and asked for in the course of its request.
#[tokio::test]
async fn a_stream_belongs_to_its_request() {
    support::read_traces();
    let log = Log::capture();
    let service = Service::start("1s").await;
    let brought =
        [("traceparent", PARENT), ("baggage", "tenant=blue"), ("x-correlation-id", "c-7")];

    let mut request = reqwest::Client::new().get(format!("http://{}/telling", service.address));
    for (name, value) in brought {
        request = request.header(name, value);
    }
    let events = request.send().await.unwrap().text().await.unwrap();
    assert_eq!(events, "data: first\n\ndata: second\n\n");
    ended(&log).await;

    let url = format!("ws://{}/telling-socket", service.address);
    let mut request = url.into_client_request().unwrap();
    for (name, value) in brought {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let mut socket = connect_async(request).await.unwrap().0;
    socket.send(ClientMessage::text("hello")).await.unwrap();
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    service.stop().await;

    let lines = log.events("telling");
    assert_eq!(lines.len(), 4, "{lines:#?}");
    for line in lines {
        assert_eq!(line["fields"]["onward"], format!("{PARENT} tenant=blue c-7"), "{line}");
        assert_eq!(line["span"]["correlation_id"], "c-7", "{line}");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_opens_no_socket() {
    let service = Service::start("1s").await;
    let url = format!("ws://{}/echo", service.address);
    for (origin, allowed) in
        [("https://evil.example".to_owned(), false), (format!("http://{}", service.address), true)]
    {
        let mut request = url.as_str().into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        match connect_async(request).await {
            Ok(_) => assert!(allowed, "{origin}"),
            Err(tungstenite::Error::Http(answer)) => {
                assert_eq!((answer.status(), allowed), (StatusCode::FORBIDDEN, false));
            }
            Err(error) => panic!("{error}"),
        }
    }
    service.stop().await;
}

#[tokio::test]
async fn requests_during_the_drain_are_refused_where_that_is_asked_for() {
    let drain = Drain::new();
    let layers = purlin_http::config::LayersConfig { drain: true, ..Default::default() };
    let options = purlin_http::Options { drain: drain.clone(), layers, ..Default::default() };
    let app = crate::support::start_with(routes(), (), &options);
    assert_eq!(app.get("/plain").await.text, "plain");
    drain.begin();
    let refused = app.get("/plain").await;
    assert_eq!(refused.problem(503, "unavailable")["detail"], "the service is stopping");
    assert_eq!(refused.header("retry-after"), "1");

    let options = purlin_http::Options { drain, ..Default::default() };
    let app = crate::support::start_with(routes(), (), &options);
    assert_eq!(app.get("/plain").await.text, "plain", "it is answered, and its connection closed");
}
