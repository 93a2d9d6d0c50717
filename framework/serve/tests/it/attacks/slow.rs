use std::time::Duration;

use futures_util::future::join_all;
use purlin_core::clock::Clock;
use purlin_serve::{Cut, Http2Limits, Limits};

use super::Load;
use crate::{
    frames::{CONTINUATION, END_STREAM, HEADERS, NO_WINDOW, RST_STREAM, field, frame, get},
    support::{Client, Running, eventually},
};

/// As many at a time.
const ATTACKERS: usize = 40;

/// What a slow client gets; far more than the load needs.
const SHORT: Duration = Duration::from_millis(500);

fn limits() -> Limits {
    Limits {
        header_read_timeout: SHORT,
        body_read_timeout: SHORT,
        body_write_timeout: SHORT,
        ..Limits::default()
    }
}

async fn attackers(server: &Running) -> Vec<Client> {
    join_all((0..ATTACKERS).map(|_| server.connect())).await
}

/// Sends `piece` again and again, until the server has had enough.
async fn drip(client: &mut Client, piece: &[u8]) {
    while client.try_send(piece).await {
        Clock::system().sleep(SHORT / 20).await;
    }
}

/// Slow loris.
#[tokio::test]
async fn heads_that_drip_get_408() {
    let server = Running::start(limits());
    let load = Load::beside(server.addr);
    let mut clients = attackers(&server).await;
    join_all(clients.iter_mut().map(async |client| {
        client.send("GET / HTTP/1.1\r\nHost: test\r\n").await;
        drip(client, b"a: b\r\n").await;
    }))
    .await;
    eventually("all are cut", || server.stats.cut(Cut::SlowHeaders) == ATTACKERS as u64).await;
    load.was_served().await;
}

#[tokio::test]
async fn connections_that_say_nothing_are_closed() {
    let server = Running::start(limits());
    let load = Load::beside(server.addr);
    let mut clients = attackers(&server).await;
    join_all(clients.iter_mut().map(Client::gone)).await;
    assert_eq!(server.stats.idle_closed(), ATTACKERS as u64);
    load.was_served().await;
}

/// R-U-Dead-Yet: a body that pauses gets 408, with the connection.
#[tokio::test]
async fn bodies_that_pause_get_408() {
    let server = Running::start(limits());
    let load = Load::beside(server.addr);
    let mut clients = attackers(&server).await;
    join_all(clients.iter_mut().map(async |client| {
        client.send("POST /length HTTP/1.1\r\nContent-Length: 1000\r\n\r\nx").await;
        assert_eq!(client.answer().await.status, 408);
        client.gone().await;
    }))
    .await;
    assert_eq!(server.stats.cut(Cut::SlowBody), ATTACKERS as u64);
    load.was_served().await;
}

/// A client that asks for much and takes nothing.
#[tokio::test]
async fn clients_that_take_nothing_are_cut() {
    let server = Running::start(Limits { idle_timeout: SHORT, ..limits() });
    let load = Load::beside(server.addr);
    let mut clients = attackers(&server).await;
    clients.truncate(4);
    join_all(clients.iter_mut().map(|client| client.get("/large"))).await;
    eventually("all are cut", || server.stats.cut(Cut::SlowRead) == 4).await;
    load.was_served().await;
}

#[tokio::test]
async fn clients_that_take_nothing_of_a_stream_are_cut() {
    let server = Running::start(limits());
    let load = Load::beside(server.addr);
    let mut clients = attackers(&server).await;
    clients.truncate(4);
    join_all(clients.iter_mut().map(|client| client.get("/endless"))).await;
    eventually("all are cut", || server.stats.cut(Cut::SlowRead) == 4).await;
    load.was_served().await;
}

/// Each connection has as many requests as it may, gives none of them a window, and lives on.
#[tokio::test]
async fn requests_of_http2_whose_answers_are_not_taken_are_reset() {
    let server = Running::start(limits());
    let load = Load::beside(server.addr);
    let requests = Http2Limits::default().max_concurrent_streams;
    let mut clients = join_all((0..4).map(|_| server.connect_http2_with(NO_WINDOW))).await;
    join_all(clients.iter_mut().map(async |client| {
        let heads = (0..requests).map(|n| frame(HEADERS, 4 | END_STREAM, 2 * n + 1, &get("/")));
        client.send(heads.collect::<Vec<_>>().concat()).await;
        for _ in 0..requests {
            client.frame_of(RST_STREAM).await;
        }
        client.send(frame(HEADERS, 4 | END_STREAM, 2 * requests + 1, &get("/"))).await;
        client.frame_of(HEADERS).await;
    }))
    .await;
    assert_eq!(server.stats.cut(Cut::SlowRead), 4 * u64::from(requests));
    load.was_served().await;
}

#[tokio::test]
async fn heads_of_http2_that_drip_are_cut() {
    let server = Running::start(limits());
    let load = Load::beside(server.addr);
    let mut clients = join_all((0..ATTACKERS).map(|_| server.connect_http2_by_hand())).await;
    join_all(clients.iter_mut().map(async |client| {
        client.send(frame(HEADERS, END_STREAM, 1, &get("/"))).await;
        drip(client, &frame(CONTINUATION, 0, 1, &field("a", "b"))).await;
    }))
    .await;
    eventually("all are cut", || server.stats.cut(Cut::SlowHeaders) == ATTACKERS as u64).await;
    load.was_served().await;
}

/// A request in flight keeps its connection, so only a client that answers pings keeps both.
#[tokio::test]
async fn clients_of_http2_that_are_gone_are_closed() {
    let http2 = Http2Limits {
        keep_alive_interval: Some(SHORT),
        keep_alive_timeout: SHORT,
        ..Http2Limits::default()
    };
    let mut server = Running::start(Limits { http2: Some(http2), ..limits() });
    let load = Load::beside(server.addr);
    let mut clients = join_all((0..ATTACKERS).map(|_| server.connect_http2_by_hand())).await;
    for client in &mut clients {
        client.send(frame(HEADERS, 4 | END_STREAM, 1, &get("/gate"))).await;
        server.arrived.recv().await.unwrap();
    }
    join_all(clients.iter_mut().map(Client::rest)).await;
    assert_eq!(server.stats.cut(Cut::Unresponsive), ATTACKERS as u64);
    load.was_served().await;
}
