//! Clients that take their answers slowly, or not at all.

use std::time::Duration;

use bytes::Bytes;
use purlin_core::clock::{Clock, Hand};
use purlin_serve::{Cut, Http2Limits, Limits};

use crate::{
    frames::{
        DATA, END_HEADERS, END_STREAM, HEADERS, LONG, NO_WINDOW, RST_STREAM, frame, get,
        window_update,
    },
    support::{Client, Running, within},
};

/// A second before a client has had its time.
const LATE: Duration = Duration::from_secs(29);

/// More than the kernel keeps for a connection.
const MUCH: usize = 32 * 1024 * 1024;

/// Nobody is asked whether it is still there.
fn start() -> (Running, Hand) {
    let (clock, hand) = Clock::held();
    let http2 = Http2Limits { keep_alive_interval: None, ..Http2Limits::default() };
    let limits = Limits { http2: Some(http2), ..Limits::default() };
    (Running::start_with(limits, clock), hand)
}

async fn request(client: &mut Client, stream: u32, path: &str) {
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, &get(path))).await;
}

/// Lets time pass until the server has had enough of one client.
async fn lose_patience(server: &Running, hand: &Hand) {
    within("a client is cut", async {
        while server.stats.cut(Cut::SlowRead) == 0 {
            hand.advance(LATE);
            server.assert_serves().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_is_cut_when_its_client_takes_nothing_more() {
    let (server, hand) = start();
    let mut client = server.connect().await;
    client.get("/endless").await;
    for _ in 0..4 {
        // Taking it slowly is no fault.
        client.exactly(MUCH).await.expect("the connection is open");
        within("the server waits", hand.sleepers(1)).await;
        hand.advance(LATE);
        server.assert_serves().await;
    }
    assert_eq!((server.stats.cut(Cut::SlowRead), server.stats.requests()), (0, 1));
    lose_patience(&server, &hand).await;
    assert_eq!(server.stats.requests(), 0);
    client.rest().await;
}

#[tokio::test]
async fn a_request_of_http2_is_reset_when_its_client_takes_nothing() {
    let (server, hand) = start();
    let mut client = server.connect_http2_with(NO_WINDOW).await;
    request(&mut client, 1, "/").await;
    client.frame_of(HEADERS).await;
    within("the server waits", hand.sleepers(1)).await;
    hand.advance(LATE);
    server.assert_serves().await;
    assert_eq!((server.stats.cut(Cut::SlowRead), server.stats.requests()), (0, 1));
    hand.advance(Duration::from_secs(1));
    assert_eq!(client.frame_of(RST_STREAM).await.stream, 1);
    assert_eq!((server.stats.cut(Cut::SlowRead), server.stats.requests()), (1, 0));

    // The others have done nothing.
    request(&mut client, 3, "/").await;
    client.frame_of(HEADERS).await;
    client.send(window_update(3, 100)).await;
    let answer = client.frame_of(DATA).await;
    assert_eq!((answer.stream, answer.payload.as_slice()), (3, &b"hello"[..]));
}

/// However large the pieces are in which its handler makes the answer.
#[tokio::test]
async fn a_request_of_http2_is_kept_while_its_client_takes_some() {
    let (server, hand) = start();
    let mut client = server.connect_http2_by_hand().await;
    request(&mut client, 1, "/large").await;
    let mut taken = 0;
    for window in 1..5 {
        while taken < window * 0xffff {
            taken += client.frame_of(DATA).await.payload.len();
        }
        within("the server waits", hand.sleepers(1)).await;
        hand.advance(LATE);
        server.assert_serves().await;
        assert_eq!((server.stats.cut(Cut::SlowRead), server.stats.requests()), (0, 1));
        client.send([window_update(0, 0xffff), window_update(1, 0xffff)].concat()).await;
    }
    lose_patience(&server, &hand).await;
    assert_eq!(server.stats.requests(), 0);
    client.frame_of(RST_STREAM).await;
}

/// As a stream of events is that has none to tell of.
#[tokio::test]
async fn a_stream_that_waits_for_its_handler_is_not_cut() {
    let (server, hand) = start();
    let mut client = server.connect().await;
    client.get("/stream").await;
    for event in ["one", "two", "three"] {
        server.chunks.as_ref().unwrap().send(Bytes::from(event)).unwrap();
        client.read_until(event).await;
        hand.advance(LONG);
        server.assert_serves().await;
    }
    assert_eq!((server.stats.cut(Cut::SlowRead), server.stats.requests()), (0, 1));
}

#[tokio::test]
async fn a_stream_of_http2_that_waits_for_its_handler_is_not_cut() {
    let (mut server, hand) = start();
    let mut client = server.connect_http2_by_hand().await;
    request(&mut client, 1, "/stream").await;
    request(&mut client, 3, "/gate").await;
    within("the gate is reached", server.arrived.recv()).await.unwrap();
    for event in ["one", "two", "three"] {
        server.chunks.as_ref().unwrap().send(Bytes::from(event)).unwrap();
        assert_eq!(client.frame_of(DATA).await.payload, event.as_bytes());
        hand.advance(LONG);
        server.assert_serves().await;
    }
    assert_eq!((server.stats.cut(Cut::SlowRead), server.stats.requests()), (0, 2));
}

/// What was handed out of one answer says nothing about the next.
#[tokio::test]
async fn a_handler_has_its_time_after_an_answer_that_was_taken() {
    let (mut server, hand) = start();
    let mut client = server.connect().await;
    client.get("/").await;
    client.answer().await;
    client.get("/gate").await;
    within("the gate is reached", server.arrived.recv()).await.unwrap();
    hand.advance(LONG);
    server.assert_serves().await;
    assert_eq!(server.let_through(&mut client).await.body, "through");
}
