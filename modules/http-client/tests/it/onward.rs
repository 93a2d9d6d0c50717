//! One identifier in the answers and the onward calls of a request, over two services.

#![expect(clippy::unwrap_used, reason = "a handler of a test fails by panicking")]

use axum::{Json, extract::State, response::Response};
use futures_util::StreamExt as _;
use purlin::{app::App, spawner::Spawner};
use purlin_http::{
    CorrelationId, HttpModule,
    routes::{Routes, get},
    ws::{Message, WebSocketUpgrade},
};
use purlin_http_client::{HttpClient, HttpClientModule};
use purlin_testing::TestApp;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

type Front = State<(HttpClient, Spawner)>;

/// Tells how each of its requests is called.
async fn id(id: CorrelationId) -> Json<String> {
    Json(id.to_string())
}

async fn ask(back: &HttpClient) -> String {
    back.get("/id").fetch().await.unwrap()
}

async fn at_once(State((back, _)): Front) -> String {
    ask(&back).await
}

async fn in_a_task(State((back, spawner)): Front) -> String {
    let nested = spawner.clone();
    let outer = spawner.spawn("outer", async move {
        nested.spawn("inner", async move { ask(&back).await }).await.unwrap()
    });
    outer.await.unwrap()
}

async fn by_another_name(State((back, _)): Front) -> String {
    back.get("/id").correlation_id("another").fetch().await.unwrap()
}

async fn in_a_socket(upgrade: WebSocketUpgrade, State((back, _)): Front) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        socket.send(Message::text(ask(&back).await)).await.unwrap();
    })
}

async fn services() -> (TestApp, TestApp) {
    let back =
        App::builder().module(HttpModule::new(|| Routes::<()>::new().public("/id", get(id))));
    let back = TestApp::start(back).await;
    let routes = || {
        Routes::new()
            .public("/at-once", get(at_once))
            .public("/task", get(in_a_task))
            .public("/another", get(by_another_name))
            .public("/socket", get(in_a_socket))
    };
    let front = App::builder()
        .module(HttpClientModule)
        .module(HttpModule::new(routes))
        .set("http_client.url", back.http().base());
    (TestApp::start(front).await, back)
}

#[tokio::test]
async fn the_identifier_of_a_request_goes_onward() {
    let (front, _back) = services().await;
    for path in ["/at-once", "/task"] {
        let given = front.http().get(path).header("x-correlation-id", "order:7").await;
        assert_eq!(given.expect(200).text(), "order:7", "{path}");
        let made = front.http().get(path).await.expect(200);
        assert_eq!(Some(made.text().as_str()), made.header("x-correlation-id"), "{path}");
    }
    let (one, other) = (front.http().get("/at-once").await, front.http().get("/at-once").await);
    assert_ne!(one.text(), other.text());
}

#[tokio::test]
async fn a_call_may_have_an_identifier_of_its_own() {
    let (front, _back) = services().await;
    let answer = front.http().get("/another").header("x-correlation-id", "order:7").await;
    assert_eq!(answer.expect(200).text(), "another");
}

#[tokio::test]
async fn a_socket_goes_on_with_the_identifier_of_its_request() {
    let (front, _back) = services().await;
    let url = format!("{}/socket", front.http().base().replace("http:", "ws:"));
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("x-correlation-id", "order:7".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let message = socket.next().await.unwrap().unwrap();
    assert_eq!(message.into_text().unwrap().as_str(), "order:7");
}
