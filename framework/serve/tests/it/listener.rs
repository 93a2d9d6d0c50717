use std::{error::Error, io, net::SocketAddr, time::Duration};

use purlin_core::clock::Clock;
use purlin_serve::{DrainReport, Limits, Listener, Listening};

use crate::support::{Running, eventually};

#[test]
fn a_port_in_use_is_explained() {
    let first = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let addr = first.local_addr();
    let error = Listener::bind(addr).unwrap_err();
    assert_eq!(error.addr(), addr);
    assert_eq!(error.io().kind(), io::ErrorKind::AddrInUse);
    assert!(error.source().is_some());
    let port = addr.port();
    assert_eq!(
        error.to_string(),
        format!("address {addr} is in use, perhaps by another instance of this service")
    );
    assert_eq!(
        error.fix(),
        format!("stop its holder (`ss -ltnp 'sport = :{port}'` shows it), or choose another port")
    );
}

#[test]
fn a_foreign_address_is_explained() {
    // TEST-NET-1 (RFC 5737) belongs to no machine.
    let error = Listener::bind(SocketAddr::from(([192, 0, 2, 1], 0))).unwrap_err();
    assert!(error.to_string().contains("no interface of this machine has the address 192.0.2.1"));
}

/// The sockets of the loops share the port with each other, and with nobody else.
#[test]
fn several_loops_do_not_hide_a_port_in_use() {
    let several = Listening { accept_loops: 4, ..Listening::default() };
    let first = Listener::bind_with(SocketAddr::from(([127, 0, 0, 1], 0)), &several).unwrap();
    for listening in [Listening::default(), several.clone()] {
        let error = Listener::bind_with(first.local_addr(), &listening).unwrap_err();
        assert_eq!(error.io().kind(), io::ErrorKind::AddrInUse);
    }
    let addr = first.local_addr();
    drop(first);
    Listener::bind_with(addr, &several).unwrap();
}

#[test]
fn who_reuses_the_port_may_join() {
    let reused = Listening { accept_loops: 2, reuse_port: true, ..Listening::default() };
    let first = Listener::bind_with(SocketAddr::from(([127, 0, 0, 1], 0)), &reused).unwrap();
    let second = Listener::bind_with(first.local_addr(), &reused).unwrap();
    assert_eq!(first.local_addr(), second.local_addr());
    Listener::bind(first.local_addr()).expect_err("who does not say so may not");
}

#[tokio::test]
async fn every_loop_serves_and_drains() {
    const CLIENTS: u64 = 40;
    let listening = Listening { accept_loops: 4, ..Listening::default() };
    let mut server = Running::listening(&listening, Limits::default(), Clock::system());
    eventually("all loops listen", || server.stats.listening() == 4).await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(server.connect_waiting().await);
    }
    server.stop(Duration::from_secs(20)).await;
    server.gate.add_permits(clients.len());
    for client in &mut clients {
        assert_eq!(client.answer().await.header("connection"), Some("close"));
    }
    let report = server.report().await;
    assert_eq!(report, DrainReport { closed: CLIENTS, finished: CLIENTS, cut: 0 });
}

/// A loop to which no connection comes does not keep the last slot from the others.
#[tokio::test]
async fn the_loops_share_the_limit_of_connections() {
    let listening = Listening { accept_loops: 4, ..Listening::default() };
    let limits = Limits { max_connections: 1, ..Limits::default() };
    let server = Running::listening(&listening, limits, Clock::system());
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = server.connect().await;
        client.get("/").await;
        clients.push(client);
    }
    // Which is the next is for the kernel to say, but there is always one.
    while !clients.is_empty() {
        let answered = clients.iter_mut().map(|client| Box::pin(client.answer()));
        let (answer, at, _) = futures_util::future::select_all(answered).await;
        assert_eq!(answer.body, "hello");
        clients.swap_remove(at);
    }
}
