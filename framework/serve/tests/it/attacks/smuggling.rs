use purlin_serve::Limits;

use super::{Load, refused};
use crate::support::Running;

#[tokio::test]
async fn lengths_that_can_be_read_in_two_ways_are_refused() {
    let server = Running::start(Limits::default());
    let post = |fields: &str, body: &str| {
        format!("POST /length HTTP/1.1\r\nHost: test\r\n{fields}\r\n\r\n{body}").into_bytes()
    };
    let chunked = |body: &str| post("Transfer-Encoding: chunked", body);
    refused(
        &server,
        &[
            ("two lengths", post("Content-Length: 1\r\nContent-Length: 2", "ab"), 400),
            ("a list of lengths", post("Content-Length: 1, 2", "ab"), 400),
            ("a length below zero", post("Content-Length: -1", ""), 400),
            ("a length with a sign", post("Content-Length: +1", "a"), 400),
            ("a length in hexadecimal", post("Content-Length: 0x1", "a"), 400),
            ("a length without a number", post("Content-Length: ", "a"), 400),
            ("a space before the colon", post("Content-Length : 1", "a"), 400),
            ("a folded line", post("Transfer-Encoding:\r\n chunked", "0\r\n\r\n"), 400),
            ("chunked, but not last", post("Transfer-Encoding: chunked, gzip", ""), 400),
            ("not quite chunked", post("Transfer-Encoding: xchunked", ""), 400),
            (
                "chunked in HTTP/1.0",
                b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".into(),
                400,
            ),
            ("a chunk without a size", chunked("zz\r\n"), 400),
            ("a chunk of a negative size", chunked("-1\r\na\r\n"), 400),
            ("a chunk of too large a size", chunked("fffffffffffffffff\r\na\r\n"), 400),
            ("a chunk longer than it says", chunked("1\r\nab\r\n0\r\n\r\n"), 400),
            ("a chunk that ends in a line feed", chunked("1\na\n0\n\n"), 400),
        ],
    )
    .await;
}

/// Whoever passed it on may have believed the length, and would take the rest for a request.
#[tokio::test]
async fn a_request_with_both_lengths_is_refused() {
    let server = Running::start(Limits::default());
    let load = Load::beside(server.addr);
    let fields = ["Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n"];
    // Empty lines before a request are passed over (RFC 9112, 2.2), and end no head.
    let orders = [(fields[0], fields[1]), (fields[1], fields[0])];
    let heads =
        orders.into_iter().flat_map(|order| ["", "\r\n", "\n\r\n"].map(|before| (before, order)));
    for (before, (first, second)) in heads {
        let mut client = server.connect().await;
        let head = format!("{before}POST /length HTTP/1.1\r\nHost: test\r\n{first}{second}\r\n");
        client.send(format!("{head}3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n")).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (400, Some("close")));
        client.ended().await;
    }
    load.was_served().await;
}

/// In a pipeline the head comes before its time and is not looked at: then the chunks count, the
/// content length reaches nobody, and nothing that follows is believed.
#[tokio::test]
async fn of_both_lengths_in_a_pipeline_the_chunks_count_and_nothing_follows() {
    let mut server = Running::start(Limits::default());
    let load = Load::beside(server.addr);
    let mut client = server.connect_waiting().await;
    let head = "POST /length HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    client.send([head, "3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"].concat()).await;
    // Who comes later is served later: it has been read when this one has its answer.
    server.assert_serves().await;
    server.let_through(&mut client).await;
    let answer = client.answer().await;
    assert_eq!((answer.body.as_str(), answer.header("connection")), ("3", Some("close")));
    client.ended().await;
    load.was_served().await;
}
