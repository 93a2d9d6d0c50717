use std::{io, time::Duration};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use purlin_core::clock::Clock;
use purlin_serve::{DrainReport, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Client, Running, within};

async fn upgrade(server: &mut Running) -> (Client, TokioIo<Upgraded>) {
    let mut client = server.connect().await;
    client.send("GET /upgrade HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: bytes\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 101);
    let upgrade = within("the upgrade", server.upgrades.recv()).await.unwrap();
    (client, TokioIo::new(within("the upgrade", upgrade).await.unwrap()))
}

#[tokio::test]
async fn an_upgraded_connection_is_awaited() {
    let mut server = Running::start(Limits::default());
    let (mut client, mut upgraded) = upgrade(&mut server).await;

    server.stop(Duration::from_secs(3600)).await;
    client.send("ping").await;
    let mut ping = [0; 4];
    upgraded.read_exact(&mut ping).await.unwrap();
    upgraded.write_all(b"pong").await.unwrap();
    client.read_until("pong").await;
    assert!(server.is_running());
    assert_eq!(server.stats.connections(), 1);
    drop(upgraded);
    assert_eq!(server.report().await, DrainReport { closed: 1, finished: 0, cut: 0 });
}

#[tokio::test]
async fn an_upgraded_connection_is_cut_at_the_deadline() {
    let (clock, hand) = Clock::held();
    let mut server = Running::start_with(Limits::default(), clock);
    let (_client, mut upgraded) = upgrade(&mut server).await;

    server.stop(Duration::from_secs(4)).await;
    hand.advance(Duration::from_secs(4));
    let error = within("the cut", upgraded.read_u8()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    assert_eq!(server.report().await, DrainReport { closed: 0, finished: 0, cut: 1 });
}
