use std::sync::Arc;

use purlin_serve::Limits;

use super::{Load, refused};
use crate::support::Running;

#[tokio::test]
async fn heads_over_the_limits_are_refused() {
    let server = Running::start(Limits::default());
    let long = "x".repeat(40_000);
    let fields = "a: b\r\n".repeat(101);
    refused(
        &server,
        &[
            ("a huge field", format!("GET / HTTP/1.1\r\na: {long}\r\n\r\n").into(), 431),
            ("a huge name", format!("GET / HTTP/1.1\r\n{long}: a\r\n\r\n").into(), 431),
            ("a huge target", format!("GET /{long} HTTP/1.1\r\n\r\n").into(), 431),
            ("many fields", format!("GET / HTTP/1.1\r\n{fields}\r\n").into(), 431),
            ("an unended huge head", format!("GET / HTTP/1.1\r\na: {long}").into(), 431),
        ],
    )
    .await;
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused() {
    let server = Running::start(Limits { max_body_bytes: 1000, ..Limits::default() });
    let load = Load::beside(server.addr);
    let declared = "POST /length HTTP/1.1\r\nContent-Length: 9223372036854775807\r\n\r\n";
    let chunk = ["10000\r\n", &"x".repeat(0x10000), "\r\n"].concat();
    let streamed = ["POST /length HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", &chunk].concat();
    for request in [Arc::<str>::from(declared), streamed.into()] {
        let mut client = server.connect().await;
        client.send(request.as_bytes()).await;
        assert_eq!(client.answer().await.status, 413);
    }
    load.was_served().await;
}
