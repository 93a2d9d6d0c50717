use std::time::Duration;

use purlin_core::clock::Clock;
use purlin_serve::Limits;

use crate::support::{Running, eventually};

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_slow_head_is_cut() {
    let limits = Limits { header_read_timeout: SHORT, idle_timeout: LONG, ..Limits::default() };
    let server = Running::start(limits);
    let mut client = server.connect().await;
    client.get("/").await;
    client.answer().await;
    client.send("GET / HT").await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    client.gone().await;
    assert_eq!(server.cuts(), [("slow_headers", 1)]);
    server.assert_serves().await;
}

#[tokio::test]
async fn a_head_that_drips_is_cut() {
    let limits = Limits { header_read_timeout: SHORT, idle_timeout: LONG, ..Limits::default() };
    let server = Running::start(limits);
    let mut client = server.connect().await;
    client.get("/").await;
    client.answer().await;
    client.send("GET / HTTP/1.1\r\n").await;
    let clock = Clock::system();
    let drip = async {
        loop {
            client.send("a: b\r\n").await;
            clock.sleep(SHORT / 10).await;
        }
    };
    let cut = eventually("the head is cut", || server.cuts() == [("slow_headers", 1)]);
    tokio::select! {
        biased;
        () = cut => {}
        () = drip => {}
    }
    assert_eq!(client.answer().await.status, 408);
    client.gone().await;
}

#[tokio::test]
async fn a_slow_head_does_not_get_its_answer_into_another_one() {
    let limits = Limits { header_read_timeout: SHORT, idle_timeout: SHORT, ..Limits::default() };
    let server = Running::start(limits);
    let mut client = server.connect().await;
    // The response does not fit into what the kernel keeps, and is under way when the head is cut.
    client.get("/large").await;
    client.send("GET / HT").await;
    eventually("the connection is cut", || server.cuts() == [("slow_read", 1)]).await;
    assert_eq!(client.head().await.status, 200);
    let rest = client.rest().await;
    assert!(rest.iter().all(|byte| *byte == b'x'), "something came within the response");
}

#[tokio::test]
async fn a_body_that_pauses_for_too_long_gets_408() {
    let (clock, hand) = Clock::held();
    let server = Running::start_with(Limits::default(), clock);
    let mut client = server.connect().await;
    client.send("POST /length HTTP/1.1\r\nContent-Length: 3\r\n\r\n").await;
    for byte in ["a", "b"] {
        // The body is awaited; the connection itself, being busy, waits for nothing.
        hand.sleepers(1).await;
        hand.advance(Duration::from_secs(29));
        client.send(byte).await;
        server.assert_serves().await;
    }
    hand.sleepers(1).await;
    hand.advance(Duration::from_secs(30));
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    assert_eq!(answer.body, "nothing more of the request body came within 30s");
    assert_eq!(server.cuts(), [("slow_body", 1)]);
}

#[tokio::test]
async fn a_client_that_sends_nothing_is_closed() {
    let limits = Limits { header_read_timeout: SHORT, idle_timeout: LONG, ..Limits::default() };
    let server = Running::start(limits);
    let mut client = server.connect().await;
    client.ended().await;
    eventually("the connection is forgotten", || server.stats.connections() == 0).await;
    assert_eq!((server.cuts(), server.stats.idle_closed()), (vec![], 1));
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let limits = Limits { header_read_timeout: LONG, idle_timeout: SHORT, ..Limits::default() };
    let server = Running::start(limits);
    let mut client = server.connect().await;
    client.get("/").await;
    client.answer().await;
    client.ended().await;
    assert_eq!((server.cuts(), server.stats.idle_closed()), (vec![], 1));
}

#[tokio::test]
async fn the_header_timeout_does_not_run_between_requests() {
    let (clock, hand) = Clock::held();
    let server = Running::start_with(Limits::default(), clock);
    let mut client = server.connect().await;
    for _ in 0..3 {
        client.get("/").await;
        assert_eq!(client.answer().await.body, "hello");
        // The connection waits for its timer alone.
        hand.sleepers(1).await;
        hand.advance(Duration::from_secs(60));
    }
    assert_eq!(server.stats.accepted(), 1);
    hand.advance(Duration::from_secs(15));
    client.ended().await;
}

#[tokio::test]
async fn a_long_request_is_not_an_idle_one() {
    let (clock, hand) = Clock::held();
    let mut server = Running::start_with(Limits::default(), clock);
    let mut client = server.connect_waiting().await;
    hand.advance(LONG);
    server.assert_serves().await;
    let answer = server.let_through(&mut client).await;
    assert_eq!((answer.body.as_str(), answer.header("connection")), ("through", None));
    client.get("/").await;
    assert_eq!(client.answer().await.body, "hello");
}

#[tokio::test]
async fn a_client_that_does_not_take_its_response_is_cut() {
    let limits = Limits { header_read_timeout: SHORT, idle_timeout: SHORT, ..Limits::default() };
    let server = Running::start(limits);
    let mut client = server.connect().await;
    client.get("/large").await;
    eventually("the connection is cut", || server.cuts() == [("slow_read", 1)]).await;
    eventually("the connection is forgotten", || server.stats.connections() == 0).await;
    client.head().await;
}

#[tokio::test]
async fn only_what_leaves_something_unread_lingers() {
    // The clock stands still, so a connection that lingers does so until its client leaves.
    let (clock, _hand) = Clock::held();
    let server = Running::start_with(Limits::default(), clock);
    let mut client = server.connect().await;
    client.send("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").await;
    client.answer().await;
    client.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    client.answer().await;
    client.ended().await;
    eventually("the connection is forgotten", || server.stats.connections() == 0).await;
}

#[tokio::test]
async fn connections_over_the_limit_wait_and_are_not_refused() {
    let server = Running::start(Limits { max_connections: 1, ..Limits::default() });
    let mut first = server.connect().await;
    first.get("/").await;
    first.answer().await;

    let mut second = server.connect().await;
    second.get("/").await;
    first.get("/").await;
    first.answer().await;
    assert_eq!((server.stats.accepted(), server.stats.connections()), (1, 1));
    assert_eq!(server.stats.queued(), 0, "those that still wait are not known");

    drop(first);
    assert_eq!(second.answer().await.body, "hello");
    assert_eq!((server.stats.accepted(), server.stats.connections()), (2, 1));
    assert_eq!(server.stats.queued(), 1);
    drop(second);
    eventually("there is room", || server.stats.connections() == 0).await;
    server.assert_serves().await;
    assert_eq!(server.stats.queued(), 1, "who comes when there is room does not wait");
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_read() {
    let server = Running::start(Limits { max_body_bytes: 1000, ..Limits::default() });
    let mut client = server.connect().await;
    client.send(post(1000)).await;
    assert_eq!(client.answer().await.body, "1000");
    client.send(chunked(10, 100)).await;
    assert_eq!(client.answer().await.body, "1000");
}

#[tokio::test]
async fn a_body_over_the_limit_gets_413() {
    let server = Running::start(Limits { max_body_bytes: 1000, ..Limits::default() });
    for request in [post(1001), chunked(11, 100), post(8 * 1024 * 1024)] {
        let mut client = server.connect().await;
        // All of it is sent before a byte of the answer is read.
        client.send(request).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 413);
        assert_eq!(
            answer.body,
            "the request body is larger than 1000 bytes, the limit of this server"
        );
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn a_panicking_handler_takes_down_its_connection_alone() {
    let mut server = Running::start(Limits::default());
    let mut other = server.connect_waiting().await;
    let mut client = server.connect().await;
    client.get("/panic").await;
    client.gone().await;
    eventually("the panic is counted", || server.cuts() == [("panicked", 1)]).await;
    assert_eq!(server.let_through(&mut other).await.body, "through");
    server.assert_serves().await;
}

#[tokio::test]
async fn a_request_knows_its_client() {
    let server = Running::start(Limits::default());
    let mut client = server.connect().await;
    client.get("/peer").await;
    assert_eq!(client.answer().await.body, client.local_addr().to_string());
}

fn post(length: usize) -> Vec<u8> {
    let head = format!("POST /length HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n");
    [head.into_bytes(), vec![b'x'; length]].concat()
}

fn chunked(chunks: usize, size: usize) -> Vec<u8> {
    let head = "POST /length HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("{size:x}\r\n{}\r\n", "x".repeat(size));
    [head, &chunk.repeat(chunks), "0\r\n\r\n"].concat().into_bytes()
}
