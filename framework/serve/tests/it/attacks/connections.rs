use std::time::Duration;

use futures_util::future::join_all;
use purlin_serve::Limits;

use super::Load;
use crate::support::{Running, eventually};

const LIMIT: usize = 100;

/// Up to the limit idle connections cost nothing but their memory.
#[tokio::test]
async fn idle_connections_up_to_the_limit_disturb_nobody() {
    // The load has three, and a connection that was just closed may still be counted.
    let limits = Limits { max_connections: LIMIT + 6, ..Limits::default() };
    let server = Running::start(limits);
    let load = Load::beside(server.addr);
    let mut idle = join_all((0..LIMIT).map(|_| server.connect())).await;
    join_all(idle.iter_mut().map(|client| async {
        client.get("/").await;
        client.answer().await;
    }))
    .await;
    assert!(server.stats.connections() >= LIMIT);
    load.was_served().await;
}

/// Beyond it they wait in the kernel's queue, and the idle ones before them make room.
#[tokio::test]
async fn idle_connections_beyond_the_limit_wait_until_there_is_room() {
    let idle_timeout = Duration::from_millis(400);
    let limits = Limits { max_connections: LIMIT, idle_timeout, ..Limits::default() };
    let server = Running::start(limits);
    let load = Load::beside(server.addr);
    let mut clients = join_all((0..3 * LIMIT).map(|_| server.connect())).await;
    join_all(clients.iter_mut().map(|client| client.get("/"))).await;
    let most = join_all(clients.iter_mut().map(async |client| {
        assert_eq!(client.answer().await.body, "hello");
        server.stats.connections()
    }))
    .await;
    assert!(most.into_iter().max().unwrap() <= LIMIT);
    let (queued, accepted) = (server.stats.queued(), server.stats.accepted());
    assert!((1..=accepted - LIMIT as u64).contains(&queued), "{queued} of {accepted} have waited");
    load.was_served().await;
    drop(clients);
    eventually("all are gone", || server.stats.connections() == 0).await;
    server.assert_serves().await;
}
