//! A stop with a handler that never answers. Services that take each other's place on one port are
//! tested with the quickstart.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test by panicking")]

extern crate purlin_core as purlin;

mod process;

use std::time::Duration;

use http::Request;
use purlin::clock::Clock;
use rustix::process::Signal;
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use self::process::Service;

#[tokio::test]
async fn a_stuck_handler_is_cut_at_its_deadline_and_named() {
    let service = Service::start("127.0.0.1:0", &["http.drain=300ms"]).await;
    let mut stuck = TcpStream::connect(&service.address).await.unwrap();
    stuck.write_all(b"GET /stuck HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    is_cut_and_named(service).await;
}

#[tokio::test]
async fn a_stuck_handler_is_cut_at_its_deadline_and_named_over_http2() {
    let service = Service::start("127.0.0.1:0", &["http.drain=300ms"]).await;
    let tcp = TcpStream::connect(&service.address).await.unwrap();
    let (requests, driver) = h2::client::handshake(tcp).await.unwrap();
    let mut driving = JoinSet::new();
    driving.spawn(driver);
    let request = Request::get("http://test/stuck").body(()).unwrap();
    let _stuck = requests.ready().await.unwrap().send_request(request, true).unwrap();
    is_cut_and_named(service).await;
}

async fn is_cut_and_named(mut service: Service) {
    service.is_asked_for_something().await;
    let clock = Clock::system();
    let began = clock.now();
    service.signal(Signal::TERM);
    let (code, report) = service.end().await;
    let took = clock.now().since(began);
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(10), "{took:?}");
    let told = report.lines().find(|line| line.contains("cut at the deadline")).expect("a line");
    assert!(told.trim_start().starts_with("http "), "{report}");
    assert!(told.contains("1 connection cut at the deadline (/stuck)"), "{report}");
    assert_eq!(code, 0, "the service kept to its own times: {report}");
    // The access log has a line for each request, and this one's says that nobody got an answer.
    let named = report.lines().find(|line| line.contains(r#""http.route":"/stuck""#));
    assert!(named.expect(&report).contains(r#""http.response.status_code":499"#), "{report}");
}
