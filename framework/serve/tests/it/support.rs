//! A running server, the handlers that tests steer, and a client that speaks bytes.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    io::ErrorKind,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream::{repeat_with, unfold};
use http::{Request, Response, StatusCode, header::CONNECTION};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::upgrade::OnUpgrade;
use purlin_core::clock::Clock;
use purlin_serve::{
    Cut, DrainReport, Limits, Listener, Listening, PeerAddr, RequestBody, Server, Stats,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::{Semaphore, mpsc, oneshot},
    task::{JoinSet, coop},
};

/// More than anything here takes; who waits longer has found a bug.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub(crate) addr: SocketAddr,
    pub(crate) stats: Stats,
    /// A request has come to `/gate` and waits there.
    pub(crate) arrived: mpsc::UnboundedReceiver<()>,
    /// A permit lets one request through `/gate`.
    pub(crate) gate: Arc<Semaphore>,
    /// What `/stream` sends; its response ends when this is dropped.
    pub(crate) chunks: Option<mpsc::UnboundedSender<Bytes>>,
    /// What `/upgrade` has been asked for.
    pub(crate) upgrades: mpsc::UnboundedReceiver<OnUpgrade>,
    stop: Option<oneshot::Sender<Duration>>,
    stopped: mpsc::UnboundedReceiver<()>,
    task: JoinSet<DrainReport>,
}

/// A raw connection to a [`Running`] server.
pub(crate) struct Client {
    tcp: TcpStream,
    read: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

#[derive(Clone)]
struct Handlers {
    arrived: mpsc::UnboundedSender<()>,
    gate: Arc<Semaphore>,
    chunks: Arc<Mutex<Option<mpsc::UnboundedReceiver<Bytes>>>>,
    upgrades: mpsc::UnboundedSender<OnUpgrade>,
}

/// Waits for `future`, but not for ever.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match Clock::system().timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(elapsed) => panic!("{what}: {elapsed}"),
    }
}

/// Asks until `condition` holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    within(what, async {
        while !condition() {
            Clock::system().sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

// === impl Running ===

impl Running {
    pub(crate) fn start(limits: Limits) -> Self {
        Self::start_with(limits, Clock::system())
    }

    pub(crate) fn start_with(limits: Limits, clock: Clock) -> Self {
        Self::listening(&Listening::default(), limits, clock)
    }

    pub(crate) fn listening(listening: &Listening, limits: Limits, clock: Clock) -> Self {
        Self::configured(listening, clock, |server| server.limits(limits))
    }

    #[cfg(feature = "tls")]
    pub(crate) fn secured(tls: Arc<purlin_tls::ServerTls>, limits: Limits, clock: Clock) -> Self {
        Self::configured(&Listening::default(), clock, |server| server.limits(limits).tls(tls))
    }

    fn configured(
        listening: &Listening,
        clock: Clock,
        configure: impl FnOnce(Server<Handlers>) -> Server<Handlers>,
    ) -> Self {
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Listener::bind_with(addr, listening).unwrap();
        let (arrived_tx, arrived) = mpsc::unbounded_channel();
        let (chunks_tx, chunks) = mpsc::unbounded_channel();
        let (upgrades_tx, upgrades) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        let handlers = Handlers {
            arrived: arrived_tx,
            gate: gate.clone(),
            chunks: Arc::new(Mutex::new(Some(chunks))),
            upgrades: upgrades_tx,
        };
        let server = configure(Server::new(listener, handlers, clock.clone()));
        let (addr, stats) = (server.local_addr(), server.stats());

        let (stop, stop_asked) = oneshot::channel();
        let (stopped_tx, stopped) = mpsc::unbounded_channel();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let report = server.run(async {
                let grace = stop_asked.await.expect("a test stops or drops its server");
                stopped_tx.send(()).unwrap();
                clock.now() + grace
            });
            report.await.unwrap()
        });
        let (stop, chunks) = (Some(stop), Some(chunks_tx));
        Self { addr, stats, arrived, gate, chunks, upgrades, stop, stopped, task }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.addr).await
    }

    /// A connection that the server has accepted.
    pub(crate) async fn connect_accepted(&self) -> Client {
        let accepted = self.stats.accepted();
        let client = self.connect().await;
        eventually("the connection is accepted", || self.stats.accepted() > accepted).await;
        client
    }

    /// A connection with a request that waits at the gate.
    pub(crate) async fn connect_waiting(&mut self) -> Client {
        let mut client = self.connect().await;
        client.get("/gate").await;
        within("the gate is reached", self.arrived.recv()).await.unwrap();
        client
    }

    pub(crate) fn ask_to_stop(&mut self, grace: Duration) {
        self.stop.take().expect("stopped once").send(grace).unwrap();
    }

    /// Begins the drain; on return the listener is closed.
    pub(crate) async fn stop(&mut self, grace: Duration) {
        self.ask_to_stop(grace);
        within("the server hears of the stop", self.stopped.recv()).await.unwrap();
        eventually("the listener is closed", || self.stats.listening() == 0).await;
        TcpStream::connect(self.addr).await.expect_err("the listener is closed");
    }

    /// Lets the request of [`connect_waiting`](Self::connect_waiting) through and reads its answer.
    ///
    /// Events are handled in the order in which they come, so the server has by then done what
    /// earlier ones made it do on other connections.
    pub(crate) async fn let_through(&self, waiting: &mut Client) -> Answer {
        self.gate.add_permits(1);
        waiting.answer().await
    }

    /// What the server did not bear with, and how often.
    pub(crate) fn cuts(&self) -> Vec<(&'static str, u64)> {
        let counts = Cut::ALL.map(|reason| (reason.as_str(), self.stats.cut(reason)));
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.task.try_join_next().is_none()
    }

    pub(crate) async fn report(mut self) -> DrainReport {
        within("the drain ends", self.task.join_next()).await.unwrap().unwrap()
    }

    /// The server still does its work for others.
    pub(crate) async fn assert_serves(&self) {
        let mut client = self.connect().await;
        client.get("/").await;
        assert_eq!(client.answer().await.body, "hello");
    }
}

// === impl Handlers ===

impl tower::Service<Request<RequestBody>> for Handlers {
    type Response = Response<UnsyncBoxBody<Bytes, Infallible>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        Box::pin(self.clone().answer(request))
    }
}

impl Handlers {
    async fn answer(
        self,
        mut request: Request<RequestBody>,
    ) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible> {
        let text = match request.uri().path() {
            "/peer" => request.extensions().get::<PeerAddr>().unwrap().0.to_string(),
            #[cfg(feature = "tls")]
            "/certificates" => {
                let shown = request.extensions().get::<purlin_serve::PeerCertificates>();
                format!("{} certificates", shown.map_or(0, |shown| shown.0.len()))
            }
            "/gate" => {
                self.arrived.send(()).unwrap();
                self.gate.acquire().await.unwrap().forget();
                "through".to_owned()
            }
            "/turn" => {
                // Nothing of tokio's is ready again until the task's next turn.
                poll_fn(|cx| {
                    while let Poll::Ready(budget) = coop::poll_proceed(cx) {
                        budget.made_progress();
                    }
                    Poll::Ready("its turn is over".to_owned())
                })
                .await
            }
            "/panic" => panic!("as asked for by the test"),
            "/length" => match request.into_body().bytes().await {
                Ok(body) => body.len().to_string(),
                Err(error) => {
                    let body = Full::from(error.to_string()).boxed_unsync();
                    let mut response = Response::new(body);
                    *response.status_mut() = error.status();
                    return Ok(response);
                }
            },
            "/stream" => {
                let chunks = self.chunks.lock().unwrap().take().expect("one stream per test");
                let frames = unfold(chunks, async |mut chunks| {
                    let chunk = chunks.recv().await?;
                    Some((Ok(Frame::data(chunk)), chunks))
                });
                return Ok(Response::new(StreamBody::new(frames).boxed_unsync()));
            }
            "/endless" => {
                let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
                let frames = repeat_with(move || Ok(Frame::data(chunk.clone())));
                return Ok(Response::new(StreamBody::new(frames).boxed_unsync()));
            }
            "/upgrade" => {
                self.upgrades.send(hyper::upgrade::on(&mut request)).unwrap();
                let response = Response::builder()
                    .status(StatusCode::SWITCHING_PROTOCOLS)
                    .header(CONNECTION, "upgrade")
                    .header("upgrade", "bytes");
                return Ok(response.body(Full::default().boxed_unsync()).unwrap());
            }
            "/large" => "x".repeat(64 * 1024 * 1024),
            _ => "hello".to_owned(),
        };
        Ok(Response::new(Full::from(text).boxed_unsync()))
    }
}

// === impl Client ===

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let tcp = within("connect", TcpStream::connect(addr)).await.unwrap();
        // What is sent is there, also when what was sent before has not been acknowledged.
        tcp.set_nodelay(true).unwrap();
        Self { tcp, read: Vec::new() }
    }

    /// One for which the kernel keeps little of what is sent to it.
    pub(crate) async fn connect_narrow(addr: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let tcp = within("connect", socket.connect(addr)).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        Self { tcp, read: Vec::new() }
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.tcp.local_addr().unwrap()
    }

    pub(crate) async fn get(&mut self, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).await;
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within("send", self.tcp.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Sends what the server may refuse to take; false when it has closed the connection.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        within("send", self.tcp.write_all(bytes)).await.is_ok()
    }

    /// Sends as much as the kernel takes at once; `None` if that is nothing.
    pub(crate) fn send_some(&mut self, bytes: &[u8]) -> Option<usize> {
        match self.tcp.try_write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            sent => Some(sent.expect("the connection is open")),
        }
    }

    /// Reads the next response, with its body if it has a length.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        let length = answer.header("content-length").map_or(0, |value| value.parse().unwrap());
        while self.read.len() < length {
            assert_ne!(self.more().await, 0, "the connection ended within a body");
        }
        answer.body = String::from_utf8(self.read.drain(..length).collect()).unwrap();
        answer
    }

    /// Reads the head of the next response.
    pub(crate) async fn head(&mut self) -> Answer {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            let read = String::from_utf8_lossy(&self.read).into_owned();
            assert_ne!(self.more().await, 0, "the connection ended after {read:?}");
        };
        let head: String = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_ascii_lowercase(), body: String::new() }
    }

    /// Reads until `text` has come.
    pub(crate) async fn read_until(&mut self, text: &str) {
        while !self.read.windows(text.len()).any(|bytes| bytes == text.as_bytes()) {
            assert_ne!(self.more().await, 0, "the connection ended before {text:?}");
        }
    }

    /// Waits until the server closes the connection in good order, having sent nothing more.
    pub(crate) async fn ended(&mut self) {
        assert_eq!(self.more().await, 0, "{:?}", String::from_utf8_lossy(&self.read));
    }

    /// Waits until the connection is gone, in whichever way, without a byte more.
    pub(crate) async fn gone(&mut self) {
        let mut space = [0; 1];
        let read = within("the connection ends", self.tcp.read(&mut space)).await;
        assert!(matches!(read, Ok(0) | Err(_)), "the server sent something");
    }

    /// Reads this many bytes, or `None` if the connection ends before.
    pub(crate) async fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.read.len() < count {
            let read = within("read", self.tcp.read_buf(&mut self.read)).await;
            if !matches!(read, Ok(1..)) {
                return None;
            }
        }
        Some(self.read.drain(..count).collect())
    }

    /// Reads to the end, whichever it is.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.read);
        let _ = within("the connection ends", self.tcp.read_to_end(&mut rest)).await;
        rest
    }

    async fn more(&mut self) -> usize {
        within("read", self.tcp.read_buf(&mut self.read)).await.expect("no reset")
    }
}

// === impl Answer ===

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let values = self.headers(name);
        assert!(values.len() <= 1, "{name} comes more than once: {}", self.head);
        values.first().copied()
    }

    fn headers(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| *key == name).map(|(_, value)| value).collect()
    }
}
