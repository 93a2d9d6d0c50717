use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::body::Bytes;
use h2::{RecvStream, client::SendRequest};
use http::Request;
use purlin::clock::Clock;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::wire::{Connection, Failure, Outcome};

/// Clients that keep their connections, over which a request goes every [`PACE`].
const KEPT: usize = 12;
/// Clients that listen to events, over one connection after the other.
const LISTENERS: usize = 4;
/// Connections of HTTP/2, each with requests beside a stream of events.
const HTTP2: usize = 2;

const PACE: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(120);

/// Requests after which a connection is given up, so that both services get some after a restart.
const SHARE: u64 = 200;
/// One of so many requests is an order.
const ORDERS: u64 = 8;
/// Events after which a listener has heard enough.
const EVENTS: usize = 50;

const ORDER: &str = r#"{"customer":"ada","amount_cents":1250}"#;

/// Clients of all kinds.
pub(crate) struct Load {
    clients: JoinSet<()>,
    shared: Arc<Shared>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Requests on kept connections.
    pub(crate) kept: u64,
    /// Requests over HTTP/2.
    pub(crate) http2: u64,
    /// Orders among both.
    pub(crate) orders: u64,
    /// Streams that a drain brought to their end, and those whose client had heard enough.
    pub(crate) told: u64,
    pub(crate) told_over_http2: u64,
    pub(crate) heard: u64,
    pub(crate) connections: u64,
    /// Connections that were reset before they had brought a byte; their clients asked once more.
    pub(crate) resets: Vec<String>,
    /// Requests over HTTP/2 that a service did not take since it had named its last before they came
    /// (RFC 9113, 6.8); their clients asked another.
    pub(crate) refused: u64,
    pub(crate) failures: Vec<String>,
}

struct Shared {
    address: SocketAddr,
    clock: Clock,
    enough: AtomicBool,
    kept: AtomicU64,
    http2: AtomicU64,
    orders: AtomicU64,
    told: AtomicU64,
    told_over_http2: AtomicU64,
    heard: AtomicU64,
    connections: AtomicU64,
    resets: Mutex<Vec<String>>,
    refused: AtomicU64,
    failures: Mutex<Vec<String>>,
}

// === impl Load ===

impl Load {
    pub(crate) fn start(address: SocketAddr) -> Self {
        let shared = Arc::new(Shared::new(address));
        let mut clients = JoinSet::new();
        for _ in 0..KEPT {
            let shared = shared.clone();
            clients.spawn(async move { shared.client(Shared::keep).await });
        }
        for _ in 0..LISTENERS {
            let shared = shared.clone();
            clients.spawn(async move { shared.client(Shared::listen).await });
        }
        for _ in 0..HTTP2 {
            let shared = shared.clone();
            clients.spawn(async move { shared.client(Shared::http2).await });
        }
        Self { clients, shared }
    }

    /// Waits until some more of each kind have been answered.
    pub(crate) async fn passes(&self) {
        let Shared { kept, http2, told, heard, .. } = &*self.shared;
        let all = || [load(kept), load(http2), load(told) + load(heard)];
        let before = all();
        let passed = async {
            while all().iter().zip(before).any(|(now, before)| *now < before + 4) {
                self.shared.clock.sleep(PACE).await;
            }
        };
        let passed = self.shared.clock.timeout(PATIENCE, passed).await;
        passed.unwrap_or_else(|_| panic!("the load stands still: {:?}", self.shared.failures));
    }

    /// Lets no client begin anything more.
    pub(crate) fn is_enough(&self) {
        self.shared.enough.store(true, Relaxed);
    }

    /// Waits until the last client has ended.
    pub(crate) async fn ended(mut self) -> Figures {
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("a client does not panic");
        }
        let shared = &self.shared;
        Figures {
            kept: load(&shared.kept),
            http2: load(&shared.http2),
            orders: load(&shared.orders),
            told: load(&shared.told),
            told_over_http2: load(&shared.told_over_http2),
            heard: load(&shared.heard),
            connections: load(&shared.connections),
            resets: shared.resets.lock().unwrap().clone(),
            refused: load(&shared.refused),
            failures: shared.failures.lock().unwrap().clone(),
        }
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

// === impl Shared ===

impl Shared {
    fn new(address: SocketAddr) -> Self {
        Self {
            address,
            clock: Clock::system(),
            enough: AtomicBool::default(),
            kept: AtomicU64::default(),
            http2: AtomicU64::default(),
            orders: AtomicU64::default(),
            told: AtomicU64::default(),
            told_over_http2: AtomicU64::default(),
            heard: AtomicU64::default(),
            connections: AtomicU64::default(),
            resets: Mutex::default(),
            refused: AtomicU64::default(),
            failures: Mutex::default(),
        }
    }

    fn is_enough(&self) -> bool {
        self.enough.load(Relaxed)
    }

    /// Uses one connection after the other.
    async fn client(&self, connection: impl AsyncFn(&Self) -> Outcome<()>) {
        let mut again = false;
        while !self.is_enough() {
            let outcome = self.clock.timeout(PATIENCE, connection(self)).await;
            let outcome =
                outcome.unwrap_or_else(|error| Err(Failure::new(format!("a client: {error}"))));
            match outcome {
                Ok(()) => again = false,
                Err(Failure { fresh: true, why }) if !again => {
                    again = true;
                    self.resets.lock().unwrap().push(why);
                }
                Err(failure) => {
                    again = false;
                    self.failures.lock().unwrap().push(failure.why);
                }
            }
        }
    }

    async fn connect(&self) -> Outcome<Connection> {
        let connection = Connection::open(self.address).await?;
        count(&self.connections);
        Ok(connection)
    }

    /// A connection of HTTP/1.1 until it is told to close: orders, and a look at each.
    async fn keep(&self) -> Outcome<()> {
        let mut connection = self.connect().await?;
        let mut order = None;
        for number in 1..=SHARE {
            if self.is_enough() {
                break;
            }
            // Never the first, which may be asked again: an order must not be taken twice.
            let answer = if number % ORDERS == 0 {
                let answer = connection.ask("POST /orders", ORDER).await?.expect("201")?;
                count(&self.orders);
                order = answer.header("location").map(str::to_owned);
                answer
            } else {
                let path = order.as_deref().unwrap_or("/orders?limit=1");
                connection.ask(&format!("GET {path}"), "").await?.expect("200")?
            };
            let is_json = serde_json::from_slice::<Value>(&answer.body).is_ok();
            if !is_json {
                return Err(Failure::new(format!("not whole: {}", answer.head)));
            }
            count(&self.kept);
            if answer.header("connection") == Some("close") {
                break;
            }
            self.clock.sleep(PACE).await;
        }
        Ok(())
    }

    /// A stream over a connection of its own.
    async fn listen(&self) -> Outcome<()> {
        let is_enough = |received: &[u8]| events(received) >= EVENTS;
        let ended = self.connect().await?.listen("GET /orders/events", is_enough).await?;
        count(if ended { &self.told } else { &self.heard });
        Ok(())
    }

    /// A connection of HTTP/2 until it says that it goes away.
    async fn http2(&self) -> Outcome<()> {
        let tcp = self.connect().await?.into_tcp();
        let (requests, driver) = h2::client::handshake(tcp)
            .await
            .map_err(|error| failed("handshake", error.is_io(), &error))?;
        let mut driving = JoinSet::new();
        driving.spawn(async move { drop(driver.await) });
        let events = self.send(&requests, "GET", "/orders/events", "", true).await?;
        let Some(mut events) = events else { return Ok(()) };
        let mut listening = JoinSet::new();
        listening.spawn(async move { take(&mut events).await });
        let goes_away = self.ask_over_http2(&requests).await?;
        if goes_away || self.is_enough() {
            let ended = listening.join_next().await.expect("it was begun");
            ended.expect("a listener does not panic")?;
            count(&self.told_over_http2);
        }
        Ok(())
    }

    /// One request after the other; whether the service said that it goes away.
    async fn ask_over_http2(&self, requests: &SendRequest<Bytes>) -> Outcome<bool> {
        for number in 1..=SHARE {
            if self.is_enough() {
                break;
            }
            let order = number % ORDERS == 0;
            let (method, body) = if order { ("POST", ORDER) } else { ("GET", "") };
            let path = if order { "/orders" } else { "/orders?limit=1" };
            let Some(mut answer) = self.send(requests, method, path, body, false).await? else {
                return Ok(true);
            };
            take(&mut answer).await?;
            count(&self.http2);
            if order {
                count(&self.orders);
            }
            self.clock.sleep(PACE).await;
        }
        Ok(false)
    }

    /// Sends a request, the first of its connection or a later one; `None` where the service takes
    /// no more over this connection.
    async fn send(
        &self,
        requests: &SendRequest<Bytes>,
        method: &str,
        path: &str,
        body: &'static str,
        first: bool,
    ) -> Outcome<Option<RecvStream>> {
        let Ok(mut ready) = requests.clone().ready().await else { return Ok(None) };
        let request = Request::builder().method(method).uri(format!("http://test{path}"));
        let request = request.header("content-type", "application/json").body(()).unwrap();
        let Ok((response, mut sending)) = ready.send_request(request, body.is_empty()) else {
            return Ok(None);
        };
        if !body.is_empty() {
            // Where it cannot be sent, the response says why.
            sending.send_data(Bytes::from_static(body.as_bytes()), true).ok();
        }
        match response.await {
            Ok(response) if response.status().is_success() => Ok(Some(response.into_body())),
            Ok(response) => Err(Failure::new(format!("{method} {path}: {response:?}"))),
            Err(error) if error.is_go_away() && error.is_remote() => {
                count(&self.refused);
                Ok(None)
            }
            Err(error) => Err(failed("response", first && error.is_io(), &error)),
        }
    }
}

/// Takes a body to its end.
async fn take(body: &mut RecvStream) -> Outcome<()> {
    while let Some(piece) = body.data().await {
        let piece = piece.map_err(|error| failed("body", false, &error))?;
        let released = body.flow_control().release_capacity(piece.len());
        released.map_err(|error| failed("window", false, &error))?;
    }
    Ok(())
}

fn failed(what: &str, fresh: bool, error: &h2::Error) -> Failure {
    Failure { fresh, why: format!("HTTP/2: {what}: {error}") }
}

/// How many events there are in a part of a stream.
fn events(received: &[u8]) -> usize {
    let name = b"event: order";
    received.windows(name.len()).filter(|window| window == name).count()
}

// === impl Figures ===

impl Figures {
    /// Requests and streams that were answered in full.
    pub(crate) fn answered(&self) -> u64 {
        self.kept + self.http2 + self.told + self.told_over_http2 + self.heard
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kept, http2, orders, told, told_over_http2, heard, .. } = self;
        let Self { connections, resets, refused, failures, .. } = self;
        let (resets, failed) = (resets.len(), failures.len());
        write!(f, "{kept} requests on kept connections, {http2} over HTTP/2, {orders} orders · ")?;
        write!(f, "{heard} streams heard, {told} ended by a drain, ")?;
        write!(f, "{told_over_http2} of HTTP/2 · {connections} connections · ")?;
        write!(f, "reset in the queue {resets}, refused by a GOAWAY {refused} · failed {failed}")
    }
}
