use purlin_serve::Limits;

use crate::support::Running;

/// Each of these is one request that hyper or the limits must refuse, with the status it gets.
#[tokio::test]
async fn malformed_heads_are_refused_and_the_server_goes_on() {
    let server = Running::start(Limits::default());
    let long = "x".repeat(40_000);
    let fields = "a: b\r\n".repeat(101);
    let attacks: [(&str, Vec<u8>, u16); 13] = [
        ("a huge field", format!("GET / HTTP/1.1\r\na: {long}\r\n\r\n").into(), 431),
        ("a huge target", format!("GET /{long} HTTP/1.1\r\n\r\n").into(), 431),
        ("many fields", format!("GET / HTTP/1.1\r\n{fields}\r\n").into(), 431),
        ("an unended huge head", format!("GET / HTTP/1.1\r\na: {long}").into(), 431),
        ("bytes in a field name", b"GET / HTTP/1.1\r\n\xff\xfe: b\r\n\r\n".into(), 400),
        ("a NUL in a field", b"GET / HTTP/1.1\r\na: \0\r\n\r\n".into(), 400),
        ("bytes in the target", b"GET /\xc3\x28 HTTP/1.1\r\n\r\n".into(), 400),
        ("a bare word", b"hello\r\n\r\n".into(), 400),
        ("a space before the colon", b"GET / HTTP/1.1\r\nHost : test\r\n\r\n".into(), 400),
        (
            "two lengths",
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".into(),
            400,
        ),
        ("a length below zero", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n".into(), 400),
        (
            "chunked, but not last",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n".into(),
            400,
        ),
        (
            "a chunk without a size",
            b"POST /length HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".into(),
            400,
        ),
    ];
    for (what, bytes, status) in attacks {
        let mut client = server.connect().await;
        client.send(&bytes).await;
        assert_eq!(client.answer().await.status, status, "{what}");
        client.ended().await;
        server.assert_serves().await;
    }
}

/// Whoever passed it on may have believed the length, and would take the rest for a request.
#[tokio::test]
async fn a_request_with_both_lengths_is_refused() {
    let server = Running::start(Limits::default());
    let fields = ["Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n"];
    for (first, second) in [(fields[0], fields[1]), (fields[1], fields[0])] {
        let mut client = server.connect().await;
        let head = format!("POST /length HTTP/1.1\r\nHost: test\r\n{first}{second}\r\n");
        client.send(format!("{head}3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n")).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (400, Some("close")));
        client.ended().await;
    }
    server.assert_serves().await;
}

/// In a pipeline the head comes before its time and is not looked at: then the chunks count, the
/// content length reaches nobody, and nothing that follows is believed.
#[tokio::test]
async fn of_both_lengths_in_a_pipeline_the_chunks_count_and_nothing_follows() {
    let mut server = Running::start(Limits::default());
    let mut client = server.connect_waiting().await;
    let head = "POST /length HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send([head, "3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"].concat()).await;
    // Who comes later is served later: it has been read when this one has its answer.
    server.assert_serves().await;
    server.let_through(&mut client).await;
    let answer = client.answer().await;
    assert_eq!((answer.body.as_str(), answer.header("connection")), ("3", Some("close")));
    client.ended().await;
}

/// Field values may hold any byte above 127 (RFC 9110, 5.5).
#[tokio::test]
async fn bytes_in_a_field_value_are_let_through() {
    let server = Running::start(Limits::default());
    let mut client = server.connect().await;
    client.send(b"GET / HTTP/1.1\r\nHost: test\r\na: \xff\xfe\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 200);
}
