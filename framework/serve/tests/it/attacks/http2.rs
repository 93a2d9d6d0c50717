use std::time::Duration;

use purlin_core::clock::Clock;
use purlin_serve::{Cut, Http2Limits, Limits};

use super::Load;
use crate::{
    frames::{
        CONTINUATION, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, field, frame,
        get,
    },
    support::{Client, Running, eventually, within},
};

const ENHANCE_YOUR_CALM: u32 = 11;
const CANCEL: [u8; 4] = 8_u32.to_be_bytes();

fn request(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &get(path))
}

/// CVE-2023-44487, as fast as it goes: the resets overtake the start of the handlers.
#[tokio::test]
async fn requests_that_are_reset_before_they_start_end_the_connection() {
    let server = Running::start(Limits::default());
    let load = Load::beside(server.addr);
    let mut client = server.connect_http2_by_hand().await;
    let flood = (0..500).flat_map(|at| {
        let stream = 2 * at + 1;
        [request(stream, "/gate"), frame(RST_STREAM, 0, stream, &CANCEL)].concat()
    });
    let _ = client.try_send(&flood.collect::<Vec<_>>()).await;
    assert_eq!(client.reason().await, Some(ENHANCE_YOUR_CALM));
    eventually("no handler is left", || server.stats.requests() <= 3).await;
    load.was_served().await;
}

/// The same with patience: each handler is started, and then its request is given up.
#[tokio::test]
async fn requests_that_are_given_up_end_the_connection() {
    let http2 = Http2Limits { max_given_up: 100, ..Http2Limits::default() };
    let mut server = Running::start(Limits { http2: Some(http2), ..Limits::default() });
    let load = Load::beside(server.addr);
    let mut client = server.connect_http2_by_hand().await;
    let mut started = 0;
    for at in 0..200_u32 {
        let stream = 2 * at + 1;
        if !client.try_send(&request(stream, "/gate")).await {
            break;
        }
        let arrived = server.arrived.recv();
        tokio::select! {
            arrived = arrived => arrived.unwrap(),
            _ = client.rest() => break,
        }
        started += 1;
        let _ = client.try_send(&frame(RST_STREAM, 0, stream, &CANCEL)).await;
    }
    assert!((100..=110).contains(&started), "{started}");
    assert_eq!(server.stats.cut(Cut::Abusive), 1);
    load.was_served().await;
}

/// Who takes the answers may give up as many: a page that is left, a call that is out of time.
#[tokio::test]
async fn answered_requests_make_up_for_those_given_up() {
    let http2 = Http2Limits { max_given_up: 10, ..Http2Limits::default() };
    let mut server = Running::start(Limits { http2: Some(http2), ..Limits::default() });
    let load = Load::beside(server.addr);
    let mut client = server.connect_http2_by_hand().await;
    for at in 0..50_u32 {
        let stream = 4 * at + 1;
        client.send(request(stream, "/gate")).await;
        within("the gate is reached", server.arrived.recv()).await.unwrap();
        client.send(frame(RST_STREAM, 0, stream, &CANCEL)).await;
        client.send(request(stream + 2, "/")).await;
        while client.frame_of(0).await.flags & END_STREAM == 0 {}
    }
    assert_eq!(server.stats.cut(Cut::Abusive), 0);
    load.was_served().await;
}

/// CVE-2024-27316: a header block that never ends, in frames as fast as they come.
#[tokio::test]
async fn a_head_without_an_end_ends_the_connection() {
    let server = Running::start(Limits::default());
    let load = Load::beside(server.addr);
    let mut client = server.connect_http2_by_hand().await;
    client.send(frame(HEADERS, END_STREAM, 1, &get("/"))).await;
    let flood = frame(CONTINUATION, 0, 1, &field("a", "b")).repeat(1000);
    let _ = client.try_send(&flood).await;
    assert_eq!(client.reason().await, Some(ENHANCE_YOUR_CALM));
    load.was_served().await;
}

/// HPACK: a field that is indexed once and named a thousand times costs its sender a byte each.
#[tokio::test]
async fn a_head_that_unpacks_to_much_is_refused() {
    let server = Running::start(Limits::default());
    let load = Load::beside(server.addr);
    let mut client = server.connect_http2_by_hand().await;
    // Literal with incremental indexing; index 62 is then the newest entry of the table.
    let mut block = get("/");
    block.extend([0x40, 1, b'a', 127, 127]);
    block.extend([b'x'; 254]);
    block.extend([0x80 | 62; 4000]);
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)).await;
    assert_eq!(client.reason().await, Some(ENHANCE_YOUR_CALM));
    load.was_served().await;
}

/// Pings and settings have to be answered. Who does not take the answers is not listened to.
///
/// The server's time passes by the hand of this test, and no faster than the others are served: it
/// does not matter how long the machine takes for all of it.
#[tokio::test]
async fn floods_of_pings_and_settings_are_not_taken_in() {
    let (patience, step) = (Duration::from_secs(1), Duration::from_millis(100));
    let limits =
        Limits { idle_timeout: patience, header_read_timeout: patience, ..Limits::default() };
    for flood in [frame(PING, 0, 0, &[7; 8]), frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9])] {
        let (clock, hand) = Clock::held();
        let server = Running::start_with(limits.clone(), clock.clone());
        let load = Load::measured_by(clock, server.addr);
        let mut client = Client::connect_narrow(server.addr).await.into_http2(&[]).await;
        let flood = flood.repeat(1000);
        let (mut sent, mut refusals) = (0, 0);
        while refusals < 20 {
            match client.send_some(&flood[sent % flood.len()..]) {
                Some(bytes) => (sent, refusals) = (sent + bytes, 0),
                None => {
                    load.each_is_served(1).await;
                    refusals += 1;
                }
            }
            assert!(sent < 1 << 27, "the server takes all of it");
        }

        let mut waited = Duration::ZERO;
        while server.cuts().is_empty() {
            // Nobody else is idle for longer than a step.
            load.each_is_served(2).await;
            hand.advance(step);
            waited += step;
            assert!(waited <= 3 * patience, "it is still borne with");
        }
        assert!(waited >= patience, "cut after {waited:?}");
        assert_eq!(server.cuts(), [("slow_read", 1)]);
        eventually("only the load is left", || server.stats.connections() <= 4).await;
        load.was_served().await;
    }
}
