use std::{
    fmt, io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use http::Request;
use purlin::clock::Clock;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// Clients that keep their connections, over which a request goes every [`PACE`].
const KEPT: usize = 12;
/// Clients that take a stream of 400 ms, one after the other.
const STREAMS: usize = 4;
/// Connections of HTTP/2, with requests and streams side by side.
const HTTP2: usize = 2;

const PACE: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(20);

/// Clients of all kinds.
pub(crate) struct Load {
    clients: JoinSet<()>,
    shared: Arc<Shared>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) kept: u64,
    pub(crate) streams: u64,
    pub(crate) http2: u64,
    pub(crate) connections: u64,
    pub(crate) retried: u64,
    pub(crate) failures: Vec<String>,
}

struct Shared {
    address: String,
    clock: Clock,
    enough: AtomicBool,
    kept: AtomicU64,
    streams: AtomicU64,
    http2: AtomicU64,
    connections: AtomicU64,
    retried: AtomicU64,
    failures: Mutex<Vec<String>>,
}

/// A request that did not get its answer.
struct Failure {
    /// Not a byte of an answer came on a connection that had none before.
    fresh: bool,
    why: String,
}

type Outcome<T> = Result<T, Failure>;

// === impl Load ===

impl Load {
    pub(crate) fn start(address: &str) -> Self {
        let shared = Arc::new(Shared {
            address: address.to_owned(),
            clock: Clock::system(),
            enough: AtomicBool::default(),
            kept: AtomicU64::default(),
            streams: AtomicU64::default(),
            http2: AtomicU64::default(),
            connections: AtomicU64::default(),
            retried: AtomicU64::default(),
            failures: Mutex::default(),
        });
        let mut clients = JoinSet::new();
        for _ in 0..KEPT {
            let shared = shared.clone();
            clients.spawn(async move { shared.client(Shared::keep).await });
        }
        for _ in 0..STREAMS {
            let shared = shared.clone();
            clients.spawn(async move { shared.client(Shared::stream).await });
        }
        for _ in 0..HTTP2 {
            let shared = shared.clone();
            clients.spawn(async move { shared.client(Shared::http2).await });
        }
        Self { clients, shared }
    }

    /// Waits until some more of each kind have been answered.
    pub(crate) async fn passes(&self) {
        let all = || [&self.shared.kept, &self.shared.streams, &self.shared.http2].map(load);
        let before = all();
        let passed = async {
            while all().iter().zip(before).any(|(now, before)| *now < before + 4) {
                self.shared.clock.sleep(PACE).await;
            }
        };
        let passed = self.shared.clock.timeout(PATIENCE, passed).await;
        passed.unwrap_or_else(|_| panic!("the load stands still: {:?}", self.shared.failures));
    }

    pub(crate) async fn stop(mut self) -> Figures {
        self.shared.enough.store(true, Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("a client does not panic");
        }
        let shared = &self.shared;
        Figures {
            kept: load(&shared.kept),
            streams: load(&shared.streams),
            http2: load(&shared.http2),
            connections: load(&shared.connections),
            retried: load(&shared.retried),
            failures: shared.failures.lock().unwrap().clone(),
        }
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
}

// === impl Shared ===

impl Shared {
    /// Uses one connection after the other.
    async fn client(&self, connection: impl AsyncFn(&Self) -> Outcome<()>) {
        let mut again = false;
        while !self.enough.load(Relaxed) {
            let outcome = self.clock.timeout(PATIENCE, connection(self)).await;
            let outcome = outcome
                .unwrap_or_else(|error| Err(Failure { fresh: false, why: error.to_string() }));
            match outcome {
                Ok(()) => again = false,
                Err(Failure { fresh: true, .. }) if !again => {
                    again = true;
                    self.retried.fetch_add(1, Relaxed);
                }
                Err(failure) => {
                    again = false;
                    self.failures.lock().unwrap().push(failure.why);
                }
            }
        }
    }

    async fn connect(&self) -> Outcome<TcpStream> {
        let tcp = TcpStream::connect(&self.address).await;
        let tcp =
            tcp.map_err(|error| Failure { fresh: false, why: format!("connect: {error}") })?;
        tcp.set_nodelay(true).unwrap();
        self.connections.fetch_add(1, Relaxed);
        Ok(tcp)
    }

    /// A connection of HTTP/1.1 until it is told to close.
    async fn keep(&self) -> Outcome<()> {
        let mut tcp = self.connect().await?;
        let mut answered = 0;
        // Not for ever, so that both services get some after a restart.
        while answered < 200 && !self.enough.load(Relaxed) {
            let answer = ask(&mut tcp, "/", "hello", answered == 0).await?;
            answered += 1;
            self.kept.fetch_add(1, Relaxed);
            if answer.to_ascii_lowercase().contains("connection: close") {
                break;
            }
            self.clock.sleep(PACE).await;
        }
        Ok(())
    }

    async fn stream(&self) -> Outcome<()> {
        let mut tcp = self.connect().await?;
        ask(&mut tcp, "/stream", "piece 19\n\r\n0\r\n\r\n", true).await?;
        self.streams.fetch_add(1, Relaxed);
        Ok(())
    }

    /// A connection of HTTP/2 until it says that it goes away.
    async fn http2(&self) -> Outcome<()> {
        let tcp = self.connect().await?;
        let failure = |what: &str, fresh, error: h2::Error| Failure {
            fresh,
            why: format!("HTTP/2: {what}: {error}"),
        };
        let (requests, driver) =
            h2::client::handshake(tcp).await.map_err(|error| failure("handshake", true, error))?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { drop(driver.await) });
        let mut answered = 0;
        while !self.enough.load(Relaxed) && answered < 200 {
            // No request is begun on a connection that goes away.
            let Ok(mut ready) = requests.clone().ready().await else {
                break;
            };
            let path = if answered % 20 == 10 { "/stream" } else { "/" };
            let request = Request::get(format!("http://test{path}")).body(()).unwrap();
            let Ok((response, _)) = ready.send_request(request, true) else {
                break;
            };
            let fresh = answered == 0;
            let mut body = match response.await {
                Ok(response) => response.into_body(),
                // It was sent when the service had named a last request before it: it says so.
                Err(error) if error.is_go_away() && error.is_remote() => {
                    self.retried.fetch_add(1, Relaxed);
                    break;
                }
                Err(error) => return Err(failure("response", fresh && error.is_io(), error)),
            };
            while let Some(piece) = body.data().await {
                let piece = piece.map_err(|error| failure("body", false, error))?;
                body.flow_control().release_capacity(piece.len()).unwrap();
            }
            answered += 1;
            self.http2.fetch_add(1, Relaxed);
            self.clock.sleep(PACE).await;
        }
        Ok(())
    }
}

/// Asks for a path, and reads until the answer ends as it should.
async fn ask(tcp: &mut TcpStream, path: &str, end: &str, first: bool) -> Outcome<String> {
    let mut answer = Vec::new();
    let outcome: io::Result<()> = async {
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
        tcp.write_all(request.as_bytes()).await?;
        while !answer.ends_with(end.as_bytes()) {
            if tcp.read_buf(&mut answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
    .await;
    let text = String::from_utf8(answer).unwrap();
    match outcome {
        Ok(()) if text.starts_with("HTTP/1.1 200 OK\r\n") => Ok(text),
        Ok(()) => Err(Failure { fresh: false, why: format!("{path}: {text}") }),
        Err(error) => {
            let reset = error.kind() == io::ErrorKind::ConnectionReset;
            let why = format!("{path}: {error} after {} bytes", text.len());
            Err(Failure { fresh: first && text.is_empty() && reset, why })
        }
    }
}

// === impl Figures ===

impl Figures {
    pub(crate) fn rate(&self, took: Duration) -> f64 {
        (self.kept + self.streams + self.http2) as f64 / took.as_secs_f64()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kept, streams, http2, connections, retried, failures } = self;
        let failed = failures.len();
        write!(
            f,
            "{kept} requests on kept connections, {streams} streams, {http2} over HTTP/2 · "
        )?;
        write!(f, "{connections} connections · retried {retried} · failed {failed}")
    }
}
