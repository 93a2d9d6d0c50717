//! A body that is begun and does not go on.

use std::time::Duration;

use axum::Json;
use purlin::{app::App, clock::Clock};
use purlin_http::{
    HttpModule,
    routes::{Routes, post},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn it_gets_408_as_a_problem_and_the_end_of_its_connection() {
    let routes = || Routes::<()>::new().public("/", post(async |Json(_): Json<Value>| {}));
    let running = App::builder()
        .module(HttpModule::new(routes))
        .set("lifecycle.drain_delay", "0s")
        .set("http.listen", "127.0.0.1:0")
        .set("http.body_read_timeout", "50ms")
        .start()
        .await
        .unwrap();
    let mut tcp = TcpStream::connect(running.address("http").unwrap()).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n";
    tcp.write_all(format!("{head}Content-Length: 20\r\n\r\n{{\"a\":").as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tcp.read_to_string(&mut answer);
    Clock::system().timeout(Duration::from_secs(20), read).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{head}");
    assert!(head.contains("connection: close"), "{head}");
    let problem: Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["status"], 408);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.ends_with("nothing more of the request body came within 50ms"), "{detail}");
    running.stop().await;
}
