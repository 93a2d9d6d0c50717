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
    /// How many requests of each client were answered.
    served: Arc<[AtomicU64; CLIENTS]>,
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
        Self::measured_by(Clock::system(), server)
    }

    /// The same, with the clock that says how long they wait.
    pub(super) fn measured_by(clock: Clock, server: &Running) -> Self {
        let (served, enough) = (Arc::default(), Arc::<AtomicBool>::default());
        let mut clients = JoinSet::new();
        for at in 0..CLIENTS {
            let (addr, enough, clock) = (server.addr, enough.clone(), clock.clone());
            let served: Arc<[AtomicU64; CLIENTS]> = Arc::clone(&served);
            clients.spawn(async move {
                let mut slowest = Duration::ZERO;
                while !enough.load(Relaxed) {
                    let mut tcp = TcpStream::connect(addr).await.expect("a connection");
                    for _ in 0..20 {
                        let began = clock.now();
                        ask(&mut tcp).await;
                        served[at].fetch_add(1, Relaxed);
                        slowest = slowest.max(clock.now() - began);
                        Clock::system().sleep(Duration::from_millis(1)).await;
                    }
                }
                slowest
            });
        }
        Self { clients, served, enough }
    }

    /// Waits until each client was answered so many times more.
    pub(super) async fn each_is_served(&self, times: u64) {
        let so_far = self.served();
        let enough = || std::iter::zip(so_far, self.served()).all(|(was, is)| is >= was + times);
        eventually("each of the others is served", enough).await;
    }

    /// They were answered during what has been so far, and are still.
    pub(super) async fn was_served(mut self) {
        let so_far = self.served();
        let answered = |served: [u64; CLIENTS]| served.iter().sum::<u64>();
        let enough = answered(so_far) + REQUESTS;
        eventually("others are served", || answered(self.served()) >= enough).await;
        self.enough.store(true, Relaxed);
        while let Some(slowest) = within("the load ends", self.clients.join_next()).await {
            let slowest = slowest.expect("every request of the others is answered");
            assert!(slowest < SLOWEST, "somebody waited for {slowest:?}");
        }
    }

    fn served(&self) -> [u64; CLIENTS] {
        std::array::from_fn(|at| self.served[at].load(Relaxed))
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
