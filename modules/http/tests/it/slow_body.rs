//! Bodies that are begun and come to no end.

use std::time::Duration;

use axum::Json;
use purlin::{
    app::{App, Running},
    clock::Clock,
};
use purlin_http::{
    HttpModule,
    routes::{Routes, get, post},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::load::Load;

const HEAD: &str = "POST /json HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n";

async fn start(settings: &[(&str, &str)]) -> Running {
    let routes = || {
        Routes::<()>::new()
            .public("/", get(async || "hello"))
            .public("/json", post(async |Json(_): Json<Value>| {}))
    };
    let app = App::builder()
        .module(HttpModule::new(routes))
        .set("lifecycle.drain_delay", "0s")
        .set("http.listen", "127.0.0.1:0");
    let app = settings.iter().fold(app, |app, (key, value)| app.set(*key, *value));
    app.start().await.unwrap()
}

/// Reads all that the server has to say, to the end of the connection, which it brings about.
async fn answer(tcp: &mut (impl AsyncReadExt + Unpin)) -> (String, Value) {
    let mut answer = String::new();
    let read = tcp.read_to_string(&mut answer);
    Clock::system().timeout(Duration::from_secs(20), read).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn a_body_that_pauses_gets_408_as_a_problem() {
    let running = start(&[("http.body_read_timeout", "50ms")]).await;
    let load = Load::beside(running.address("http").unwrap());
    let mut tcp = TcpStream::connect(running.address("http").unwrap()).await.unwrap();
    tcp.write_all(format!("{HEAD}Content-Length: 20\r\n\r\n{{\"a\":").as_bytes()).await.unwrap();
    let (head, problem) = answer(&mut tcp).await;
    assert!(head.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{head}");
    assert!(head.contains("connection: close"), "{head}");
    assert_eq!(problem["status"], 408);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.ends_with("nothing more of the request body came within 50ms"), "{detail}");
    load.was_served().await;
    running.stop().await;
}

/// Each pause is short enough, and all of them together are too long.
#[tokio::test]
async fn bodies_that_drip_get_504() {
    let limits = [("http.body_read_timeout", "20s"), ("http.request_timeout", "500ms")];
    let running = start(&limits).await;
    let addr = running.address("http").unwrap();
    let load = Load::beside(addr);
    let attacks = (0..40).map(async |_| {
        let (mut read, mut write) = TcpStream::connect(addr).await.unwrap().into_split();
        let head = format!("{HEAD}Content-Length: 1000000\r\n\r\n{{\"a\":");
        write.write_all(head.as_bytes()).await.unwrap();
        let drip = async {
            while write.write_all(b" ").await.is_ok() {
                Clock::system().sleep(Duration::from_millis(20)).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            answer = answer(&mut read) => answer,
            () = drip => unreachable!("it waits for the answer"),
        }
    });
    for (head, problem) in futures_util::future::join_all(attacks).await {
        assert!(head.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"), "{head}");
        assert_eq!(problem["status"], 504);
    }
    load.was_served().await;
    running.stop().await;
}
