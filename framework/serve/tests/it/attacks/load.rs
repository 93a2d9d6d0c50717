use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use purlin_core::clock::Clock;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::support::{Running, eventually, within};

/// Those who mean well: they ask one thing after the other, and have to be answered at once.
pub(super) struct Load {
    clients: JoinSet<Duration>,
    served: Arc<AtomicU64>,
    enough: Arc<AtomicBool>,
}

const CLIENTS: usize = 3;

/// So many are answered before an attack counts as borne.
const REQUESTS: u64 = 100;

/// So long may one of them wait; far more than it takes, and far less than an attack lasts.
const SLOWEST: Duration = Duration::from_secs(2);

// === impl Load ===

impl Load {
    /// Begins to ask. Each client keeps its connection, and makes a new one now and then.
    pub(super) fn beside(server: &Running) -> Self {
        let (served, enough) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (addr, served, enough) = (server.addr, served.clone(), enough.clone());
            clients.spawn(async move {
                let (clock, mut slowest) = (Clock::system(), Duration::ZERO);
                while !enough.load(Relaxed) {
                    let mut tcp = TcpStream::connect(addr).await.expect("a connection");
                    for _ in 0..20 {
                        let began = clock.now();
                        ask(&mut tcp).await;
                        served.fetch_add(1, Relaxed);
                        slowest = slowest.max(clock.now() - began);
                        clock.sleep(Duration::from_millis(1)).await;
                    }
                }
                slowest
            });
        }
        Self { clients, served, enough }
    }

    /// They were answered during what has been so far, and are still.
    pub(super) async fn was_served(mut self) {
        let so_far = self.served.load(Relaxed);
        eventually("others are served", || self.served.load(Relaxed) >= so_far + REQUESTS).await;
        self.enough.store(true, Relaxed);
        while let Some(slowest) = within("the load ends", self.clients.join_next()).await {
            let slowest = slowest.expect("every request of the others is answered");
            assert!(slowest < SLOWEST, "somebody waited for {slowest:?}");
        }
    }
}

async fn ask(tcp: &mut TcpStream) {
    tcp.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.expect("the request is sent");
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        let read = tcp.read_buf(&mut answer).await.expect("an answer");
        assert_ne!(read, 0, "the connection ended within an answer");
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
}
