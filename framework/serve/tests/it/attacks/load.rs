//! Those who mean well, beside an attack. The tests of other servers of ours take this file, too.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use purlin_core::clock::Clock;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// Those who mean well: they ask one thing after the other, and have to be answered at once.
pub(crate) struct Load {
    clients: JoinSet<Duration>,
    /// How many requests of each client were answered.
    served: Arc<[AtomicU64; CLIENTS]>,
    enough: Arc<AtomicBool>,
}

/// What they ask, and what they have to be told.
#[derive(Clone)]
pub(crate) struct Question {
    /// The whole request of HTTP/1.1.
    pub(crate) request: String,
    /// The body of the answer, which has status 200.
    pub(crate) answer: &'static str,
}

const CLIENTS: usize = 3;

/// So many are answered before an attack counts as borne.
const REQUESTS: u64 = 100;

/// So long may one of them wait; far more than it takes, and far less than an attack lasts.
const SLOWEST: Duration = Duration::from_secs(2);

/// So long is waited for what has to come.
const PATIENCE: Duration = Duration::from_secs(60);

// === impl Load ===

impl Load {
    /// Begins to ask for `/`, which is `hello`. Each client keeps its connection, and makes a new
    /// one now and then.
    pub(crate) fn beside(addr: SocketAddr) -> Self {
        Self::measured_by(Clock::system(), addr)
    }

    /// The same, with the clock that says how long they wait.
    pub(crate) fn measured_by(clock: Clock, addr: SocketAddr) -> Self {
        Self::over(clock, Question::default(), move || connect(addr))
    }

    /// The same, with another question, over connections of whichever kind.
    pub(crate) fn over<C, F>(clock: Clock, question: Question, connect: C) -> Self
    where
        C: Fn() -> F + Clone + Send + 'static,
        F: Future<Output: AsyncRead + AsyncWrite + Unpin + Send> + Send,
    {
        let (served, enough) = (Arc::default(), Arc::<AtomicBool>::default());
        let mut clients = JoinSet::new();
        for at in 0..CLIENTS {
            let (question, connect) = (question.clone(), connect.clone());
            let (enough, clock) = (enough.clone(), clock.clone());
            let served: Arc<[AtomicU64; CLIENTS]> = Arc::clone(&served);
            clients.spawn(async move {
                let mut slowest = Duration::ZERO;
                while !enough.load(Relaxed) {
                    let mut connection = connect().await;
                    for _ in 0..20 {
                        let began = clock.now();
                        question.ask(&mut connection).await;
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
    pub(crate) async fn each_is_served(&self, times: u64) {
        let so_far = self.served();
        let enough = || std::iter::zip(so_far, self.served()).all(|(was, is)| is >= was + times);
        self.until(enough).await;
    }

    /// They were answered during what has been so far, and are still.
    pub(crate) async fn was_served(mut self) {
        let so_far = self.served();
        let answered = |served: [u64; CLIENTS]| served.iter().sum::<u64>();
        let enough = answered(so_far) + REQUESTS;
        self.until(|| answered(self.served()) >= enough).await;
        self.enough.store(true, Relaxed);
        let clock = Clock::system();
        while let Ok(Some(slowest)) = clock.timeout(PATIENCE, self.clients.join_next()).await {
            let slowest = slowest.expect("every request of the others is answered");
            assert!(slowest < SLOWEST, "somebody waited for {slowest:?}");
        }
        assert!(self.clients.is_empty(), "a request of the others has no answer");
    }

    async fn until(&self, enough: impl Fn() -> bool) {
        let clock = Clock::system();
        let until = clock.now() + PATIENCE;
        while !enough() {
            assert!(clock.now() < until, "the others are not served");
            clock.sleep(Duration::from_millis(1)).await;
        }
    }

    fn served(&self) -> [u64; CLIENTS] {
        std::array::from_fn(|at| self.served[at].load(Relaxed))
    }
}

async fn connect(addr: SocketAddr) -> TcpStream {
    TcpStream::connect(addr).await.expect("a connection")
}

// === impl Question ===

impl Question {
    async fn ask(&self, connection: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
        connection.write_all(self.request.as_bytes()).await.expect("the request is sent");
        let mut answer = Vec::new();
        while !answer.ends_with(self.answer.as_bytes()) {
            let read = connection.read_buf(&mut answer).await.expect("an answer");
            assert_ne!(read, 0, "the connection ended within an answer");
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }
}

impl Default for Question {
    fn default() -> Self {
        let request = "GET / HTTP/1.1\r\nHost: test\r\n\r\n".to_owned();
        Self { request, answer: "hello" }
    }
}
