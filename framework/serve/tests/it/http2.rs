use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use http::{Request, StatusCode, Version};
use purlin_core::clock::Clock;
use purlin_serve::{DrainReport, Http2Limits, Limits};
use tokio::{net::TcpStream, task::JoinSet};

use crate::{
    frames::{
        CONTINUATION, END_HEADERS, END_STREAM, GOAWAY, HEADERS, LONG, PING, PREFACE, SETTINGS,
        field, frame, get,
    },
    support::{Running, eventually, within},
};

/// A connection as `h2` makes it, by prior knowledge.
struct Http2 {
    requests: SendRequest<Bytes>,
    connection: JoinSet<Result<(), h2::Error>>,
}

// === impl Http2 ===

impl Http2 {
    async fn connect(server: &Running) -> Self {
        let tcp = within("connect", TcpStream::connect(server.addr)).await.unwrap();
        let (requests, driver) = within("shake hands", h2::client::handshake(tcp)).await.unwrap();
        let mut connection = JoinSet::new();
        connection.spawn(driver);
        let requests = within("settings", requests.ready()).await.unwrap();
        Self { requests, connection }
    }

    fn get(&mut self, path: &str) -> ResponseFuture {
        let request = Request::get(format!("http://test{path}")).version(Version::HTTP_2);
        self.requests.send_request(request.body(()).unwrap(), true).unwrap().0
    }

    /// Waits for the connection to end in good order.
    async fn ended(mut self) {
        drop(self.requests);
        let ended = within("the connection ends", self.connection.join_next()).await;
        ended.unwrap().unwrap().expect("it ends in good order");
    }
}

async fn text(response: ResponseFuture) -> (StatusCode, String) {
    let (head, mut body) = within("the response", response).await.unwrap().into_parts();
    let mut text = Vec::new();
    while let Some(data) = within("the body", body.data()).await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        text.extend(data);
    }
    (head.status, String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn both_versions_are_spoken_on_one_port() {
    let server = Running::start(Limits::default());
    let mut http2 = Http2::connect(&server).await;
    for _ in 0..3 {
        let (status, body) = text(http2.get("/")).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "hello"));
        server.assert_serves().await;
    }
}

#[tokio::test]
async fn requests_of_one_connection_run_side_by_side() {
    let mut server = Running::start(Limits::default());
    let mut http2 = Http2::connect(&server).await;
    let waiting = http2.get("/gate");
    within("the gate is reached", server.arrived.recv()).await.unwrap();
    assert_eq!(text(http2.get("/")).await.1, "hello");
    assert_eq!(server.stats.requests(), 1);
    server.gate.add_permits(1);
    assert_eq!(text(waiting).await.1, "through");
    eventually("nothing is in flight", || server.stats.requests() == 0).await;
}

#[tokio::test]
async fn without_http2_its_preface_ends_the_connection() {
    let server = Running::start(Limits { http2: None, ..Limits::default() });
    let mut client = server.connect().await;
    client.send(PREFACE).await;
    assert_eq!(client.rest().await, b"");
    server.assert_serves().await;
}

#[tokio::test]
async fn a_drain_answers_what_is_in_flight_and_says_goaway() {
    let (clock, _hand) = Clock::held();
    let mut server = Running::start_with(Limits::default(), clock);
    let mut http2 = Http2::connect(&server).await;
    let waiting = http2.get("/gate");
    let stream = http2.get("/stream");
    within("the gate is reached", server.arrived.recv()).await.unwrap();
    let mut stream = within("the stream begins", stream).await.unwrap().into_body();

    server.stop(LONG).await;
    let chunks = server.chunks.take().unwrap();
    chunks.send(Bytes::from("late")).unwrap();
    assert_eq!(within("a chunk", stream.data()).await.unwrap().unwrap(), "late");
    server.gate.add_permits(1);
    assert_eq!(text(waiting).await, (StatusCode::OK, "through".to_owned()));
    drop(chunks);
    while let Some(data) = within("the end of the stream", stream.data()).await {
        assert_eq!(data.unwrap(), "");
    }
    http2.ended().await;
    assert_eq!(server.report().await, DrainReport { closed: 1, finished: 2, cut: 0 });
}

#[tokio::test]
async fn a_drain_ends_an_idle_connection_without_waiting() {
    let (clock, _hand) = Clock::held();
    let mut server = Running::start_with(Limits::default(), clock);
    let mut http2 = Http2::connect(&server).await;
    text(http2.get("/")).await;
    server.stop(LONG).await;
    http2.ended().await;
    assert_eq!(server.report().await, DrainReport { closed: 1, finished: 0, cut: 0 });
}

/// The first GOAWAY names no last request, so that what the client sent before it read it counts.
#[tokio::test]
async fn a_request_that_crosses_the_goaway_is_answered() {
    let (clock, _hand) = Clock::held();
    let mut server = Running::start_with(Limits::default(), clock);
    let mut client = server.connect_http2_by_hand().await;
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, &get("/"))).await;
    client.frame_of(HEADERS).await;

    server.stop(LONG).await;
    let first = client.frame_of(GOAWAY).await;
    assert_eq!(first.payload[..4], (u32::MAX >> 1).to_be_bytes());
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, &get("/"))).await;
    assert_eq!(client.frame_of(HEADERS).await.stream, 3);
    client.send(frame(PING, 1, 0, &[0x0b, 0x7b, 0xa2, 0xf0, 0x8b, 0x9b, 0xfe, 0x54])).await;
    let last = client.frame_of(GOAWAY).await;
    assert_eq!(last.payload[..4], 3_u32.to_be_bytes());
    client.reason().await;
    assert_eq!(server.report().await, DrainReport { closed: 1, finished: 1, cut: 0 });
}

#[tokio::test]
async fn what_is_open_at_the_deadline_is_cut() {
    let (clock, hand) = Clock::held();
    let mut server = Running::start_with(Limits::default(), clock);
    let mut http2 = Http2::connect(&server).await;
    let stuck = http2.get("/gate");
    within("the gate is reached", server.arrived.recv()).await.unwrap();
    server.stop(Duration::from_secs(4)).await;
    hand.advance(Duration::from_secs(4));
    within("the response fails", stuck).await.unwrap_err();
    assert_eq!(server.report().await, DrainReport { closed: 0, finished: 0, cut: 1 });
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let (clock, hand) = Clock::held();
    let http2 = Http2Limits { keep_alive_interval: None, ..Http2Limits::default() };
    let limits = Limits { http2: Some(http2), ..Limits::default() };
    let server = Running::start_with(limits, clock);
    let mut http2 = Http2::connect(&server).await;
    text(http2.get("/")).await;
    hand.sleepers(1).await;
    hand.advance(Duration::from_secs(74));
    assert_eq!(text(http2.get("/")).await.1, "hello");
    hand.sleepers(1).await;
    // The timer that was set first fires, and is set again.
    hand.advance(Duration::from_secs(1));
    hand.sleepers(1).await;
    hand.advance(Duration::from_secs(75));
    http2.ended().await;
    assert_eq!((server.cuts(), server.stats.idle_closed()), (vec![], 1));
}

/// The server's own pings, and the answers to them, are no use of a connection.
#[tokio::test]
async fn pings_do_not_keep_an_idle_connection() {
    let (clock, hand) = Clock::held();
    let server = Running::start_with(Limits::default(), clock);
    let mut client = server.connect_http2_by_hand().await;
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, &get("/"))).await;
    client.frame_of(HEADERS).await;
    for _ in 0..2 {
        hand.sleepers(2).await;
        hand.advance(Duration::from_secs(30));
        let ping = client.frame_of(PING).await;
        client.send(frame(PING, 1, 0, &ping.payload)).await;
        server.assert_serves().await;
    }
    hand.sleepers(2).await;
    hand.advance(Duration::from_secs(15));
    client.frame_of(GOAWAY).await;
}

#[tokio::test]
async fn who_does_not_answer_a_ping_is_closed_with_its_requests() {
    let (clock, hand) = Clock::held();
    let mut server = Running::start_with(Limits::default(), clock);
    let mut client = server.connect_http2_by_hand().await;
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, &get("/gate"))).await;
    within("the gate is reached", server.arrived.recv()).await.unwrap();
    hand.sleepers(1).await;
    hand.advance(Duration::from_secs(30));
    client.frame_of(PING).await;
    hand.sleepers(1).await;
    hand.advance(Duration::from_secs(20));
    client.reason().await;
    eventually("the connection is forgotten", || server.stats.connections() == 0).await;
    assert_eq!(server.stats.requests(), 0);
    assert_eq!(server.cuts(), [("unresponsive", 1)]);
}

/// Each of these has begun something that is to be a request, and does not go on.
#[tokio::test]
async fn a_slow_head_is_cut() {
    let whole = frame(HEADERS, END_STREAM, 1, &get("/"));
    let slow: [(&str, Vec<u8>); 4] = [
        ("half a frame's own head", whole[..5].to_vec()),
        ("half a header block", whole[..12].to_vec()),
        ("a header block without an end", whole.clone()),
        ("one that goes on", [whole, frame(CONTINUATION, 0, 1, &field("a", "b"))].concat()),
    ];
    for (what, bytes) in slow {
        let (clock, hand) = Clock::held();
        let server = Running::start_with(Limits::default(), clock);
        let mut client = server.connect_http2_by_hand().await;
        client.send(&bytes).await;
        server.assert_serves().await;
        hand.advance(Duration::from_secs(10));
        eventually(what, || server.cuts() == [("slow_headers", 1)]).await;
        client.rest().await;
        server.assert_serves().await;
    }
}

#[tokio::test]
async fn a_slow_handshake_is_cut() {
    for bytes in
        [&PREFACE[..10], PREFACE, &[PREFACE, &frame(SETTINGS, 0, 0, &[0; 6])[..12]].concat()]
    {
        let (clock, hand) = Clock::held();
        let server = Running::start_with(Limits::default(), clock);
        let mut client = server.connect().await;
        client.send(bytes).await;
        server.assert_serves().await;
        hand.advance(Duration::from_secs(10));
        // A fresh connection is asked to end first, and has as long again.
        server.assert_serves().await;
        hand.advance(Duration::from_secs(10));
        client.rest().await;
        eventually("the connection is forgotten", || server.stats.connections() <= 1).await;
    }
}

#[tokio::test]
async fn a_panicking_handler_takes_down_its_request_alone() {
    let mut server = Running::start(Limits::default());
    let mut http2 = Http2::connect(&server).await;
    let waiting = http2.get("/gate");
    within("the gate is reached", server.arrived.recv()).await.unwrap();
    within("the response fails", http2.get("/panic")).await.unwrap_err();
    eventually("the panic is counted", || server.cuts() == [("panicked", 1)]).await;
    server.gate.add_permits(1);
    assert_eq!(text(waiting).await.1, "through");
}

#[tokio::test]
async fn heads_over_the_limits_get_431() {
    let server = Running::start(Limits { max_headers: 10, ..Limits::default() });
    let mut http2 = Http2::connect(&server).await;
    let mut fields = Request::get("http://test/");
    for _ in 0..11 {
        fields = fields.header("a", "b");
    }
    let large = Request::get("http://test/").header("a", "x".repeat(40_000));
    for request in [fields, large] {
        let (response, _) = http2.requests.send_request(request.body(()).unwrap(), true).unwrap();
        assert_eq!(text(response).await.0, 431);
    }
    assert_eq!(text(http2.get("/")).await.1, "hello");
}

#[tokio::test]
async fn the_number_of_requests_in_flight_is_limited() {
    let http2 = Http2Limits { max_concurrent_streams: 3, ..Http2Limits::default() };
    let limits = Limits { http2: Some(http2), ..Limits::default() };
    let mut server = Running::start(limits);
    let mut client = server.connect_http2_by_hand().await;
    for stream in [1, 3, 5, 7] {
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, &get("/gate"))).await;
    }
    let refused = client.frame_of(crate::frames::RST_STREAM).await;
    assert_eq!((refused.stream, refused.payload.as_slice()), (7, &[0, 0, 0, 7][..]));
    for _ in 0..3 {
        within("the gate is reached", server.arrived.recv()).await.unwrap();
    }
    assert_eq!(server.stats.requests(), 3);
}

#[tokio::test]
async fn bodies_have_their_limits() {
    let (clock, hand) = Clock::held();
    let server = Running::start_with(Limits { max_body_bytes: 10, ..Limits::default() }, clock);
    let mut http2 = Http2::connect(&server).await;
    let post = || Request::post("http://test/length").body(()).unwrap();

    let (response, mut body) = http2.requests.send_request(post(), false).unwrap();
    body.send_data(Bytes::from(vec![0; 11]), true).unwrap();
    assert_eq!(text(response).await.0, 413);

    let (response, mut body) = http2.requests.send_request(post(), false).unwrap();
    body.send_data(Bytes::from(vec![0; 3]), false).unwrap();
    // What comes later is served later: the body is awaited when this one has its answer.
    text(http2.get("/")).await;
    hand.advance(Duration::from_secs(30));
    assert_eq!(text(response).await.0, 408);
    assert_eq!(text(http2.get("/")).await.1, "hello");
}
