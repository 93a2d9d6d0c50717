use std::net::SocketAddr;

use axum::{Router, routing::get};
use purlin::clock::Clock;
use purlin_testing::TestMeter;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
};

use super::*;

/// A server whose `/slow` says when it is in the handler, and goes on when it is told to.
struct Fixture {
    site: Arc<Site>,
    server: Arc<HttpServer>,
    tasks: JoinSet<Result<()>>,
    stop: CancellationToken,
    entered: mpsc::Receiver<()>,
    go: mpsc::Sender<()>,
}

// === impl Fixture ===

impl Fixture {
    fn start(drain: Duration) -> Self {
        let mut fixture = Self::new(drain);
        fixture.run();
        fixture
    }

    fn new(drain: Duration) -> Self {
        let (entered, in_handler) = mpsc::channel(1);
        let (go, gone) = mpsc::channel::<()>(1);
        let gone = Arc::new(tokio::sync::Mutex::new(gone));
        let slow = move || async move {
            entered.send(()).await.unwrap();
            gone.lock().await.recv().await;
            "slow"
        };
        let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let site = Arc::new(Site {
            address: listener.local_addr(),
            listener: Mutex::new(Some(listener)),
            listening: Listening::default(),
            service: Router::new()
                .route("/", get(async || "fast"))
                .route("/slow", get(slow))
                .route("/panic", get(panic)),
            limits: Limits { drain_grace: Duration::from_millis(20), ..Limits::default() },
            #[cfg(feature = "tls")]
            tls: None,
            drain,
            streams: crate::stream::Drain::new(),
            tally: Arc::default(),
        });
        let (tasks, stop) = (JoinSet::new(), CancellationToken::new());
        let server = Arc::new(HttpServer::new(site.clone()));
        Self { site, server, tasks, stop, entered: in_handler, go }
    }

    fn run(&mut self) {
        let (server, cx) = (self.server.clone(), RunCx::detached("http", self.stop.clone()));
        self.tasks.spawn(async move { server.run(cx).await });
    }

    async fn connect(&self) -> Connection {
        Connection(TcpStream::connect(self.site.address).await.unwrap())
    }

    /// Waits until `run` has ended, and nothing listens any more.
    async fn ended(mut self) {
        let ended = within(self.tasks.join_next()).await;
        ended.expect("it was started").expect("it does not panic").expect("it does not fail");
        assert!(TcpStream::connect(self.site.address).await.is_err());
    }
}

struct Connection(TcpStream);

impl Connection {
    async fn ask(&mut self, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        self.0.write_all(request.as_bytes()).await.unwrap();
    }

    /// Reads until the answer ends with `text`.
    async fn answer(&mut self, text: &str) -> String {
        let mut answer = String::new();
        while !answer.ends_with(text) {
            let mut buffer = [0; 1024];
            let read = within(self.0.read(&mut buffer)).await.unwrap();
            assert_ne!(read, 0, "the connection ended after {answer:?}");
            answer.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        answer
    }

    /// Waits until the other side has closed the connection, and nothing more comes.
    async fn closed(&mut self) {
        let mut rest = Vec::new();
        let _ = within(self.0.read_to_end(&mut rest)).await;
        assert_eq!(rest, b"");
    }
}

async fn panic() {
    panic!("on purpose");
}

async fn within<F: Future>(future: F) -> F::Output {
    Clock::system().timeout(Duration::from_secs(10), future).await.expect("it ends in time")
}

#[tokio::test]
async fn a_drain_answers_what_is_in_flight_and_closes_what_is_idle() {
    let mut app = Fixture::start(Duration::from_secs(5));
    let (mut idle, mut busy) = (app.connect().await, app.connect().await);
    idle.ask("/").await;
    assert!(!idle.answer("fast").await.contains("connection: close"));
    busy.ask("/slow").await;
    within(app.entered.recv()).await.unwrap();

    let server = app.server.clone();
    let drain = async { within(server.graceful_shutdown()).await.unwrap() };
    let rest = async {
        idle.closed().await;
        app.go.send(()).await.unwrap();
        let answer = busy.answer("slow").await;
        assert!(answer.contains("connection: close"), "{answer}");
        busy.closed().await;
    };
    tokio::join!(drain, rest);
    app.ended().await;
}

#[tokio::test]
async fn what_takes_longer_than_the_drain_is_cut() {
    let mut app = Fixture::start(Duration::from_millis(50));
    let mut busy = app.connect().await;
    busy.ask("/slow").await;
    within(app.entered.recv()).await.unwrap();
    within(app.server.graceful_shutdown()).await.unwrap();
    busy.closed().await;
    app.ended().await;
}

#[tokio::test]
async fn a_hard_stop_cuts_at_once() {
    let mut app = Fixture::start(Duration::from_secs(3600));
    let mut busy = app.connect().await;
    busy.ask("/slow").await;
    within(app.entered.recv()).await.unwrap();
    let drain = app.server.graceful_shutdown();
    let cut = async {
        app.server.shutdown().await.unwrap();
        busy.closed().await;
    };
    let (drained, ()) = within(async { tokio::join!(drain, cut) }).await;
    drained.unwrap();
    app.ended().await;
}

#[tokio::test]
async fn it_drains_as_well_when_it_is_only_told_that_stopping_has_begun() {
    let app = Fixture::start(Duration::from_secs(5));
    let mut idle = app.connect().await;
    idle.ask("/").await;
    idle.answer("fast").await;
    app.stop.cancel();
    idle.closed().await;
    app.ended().await;
}

#[tokio::test]
async fn a_restart_serves_on_the_same_address() {
    let mut app = Fixture::start(Duration::from_secs(5));
    let mut before = app.connect().await;
    before.ask("/").await;
    before.answer("fast").await;

    app.tasks.shutdown().await;
    before.closed().await;
    assert!(TcpStream::connect(app.site.address).await.is_err(), "nobody queues meanwhile");

    app.server = Arc::new(HttpServer::new(app.site.clone()));
    app.run();
    tokio::task::yield_now().await;
    let mut after = app.connect().await;
    after.ask("/").await;
    after.answer("fast").await;
    assert_eq!(app.site.tally.connections(), 1);
    within(app.server.graceful_shutdown()).await.unwrap();
    app.ended().await;
}

#[tokio::test]
async fn what_was_counted_before_a_restart_is_counted_after_it() {
    let meter = TestMeter::new();
    let value = |name, reason: &[_]| {
        let labels = [reason, &[("server", "http")]].concat();
        meter.value(&format!("http_server_{name}"), &labels)
    };

    let mut app = Fixture::start(Duration::from_secs(5));
    let observed = meter.meter();
    app.site.tally.observe(&observed, "http", &app.site.limits);
    // Another server of the same application.
    Arc::new(Tally::default()).observe(&observed, "admin", &Limits::default());
    let mut lost = app.connect().await;
    lost.ask("/panic").await;
    lost.closed().await;
    assert_eq!(value("connections_accepted_total", &[]), Some(1.0));

    app.tasks.shutdown().await;
    app.server = Arc::new(HttpServer::new(app.site.clone()));
    app.run();
    tokio::task::yield_now().await;
    let mut after = app.connect().await;
    after.ask("/").await;
    after.answer("fast").await;
    assert_eq!(value("connections_accepted_total", &[]), Some(2.0));
    assert_eq!(value("connections", &[]), Some(1.0));
    assert_eq!(meter.value("http_server_connections", &[("server", "admin")]), Some(0.0));
    for (reason, count) in [("panicked", 1.0), ("slow_headers", 0.0)] {
        let cut = value("connections_cut_total", &[("reason", reason)]);
        assert_eq!(cut, Some(count), "{reason}");
    }
    assert_eq!(value("max_connections", &[]), Some(10_000.0));
    assert_eq!(value("accept_errors_total", &[]), Some(0.0));
    within(app.server.graceful_shutdown()).await.unwrap();
    app.ended().await;
}

#[tokio::test]
async fn a_drain_that_begins_before_the_server_runs_is_not_lost() {
    let mut app = Fixture::new(Duration::from_secs(5));
    let server = app.server.clone();
    let drain = async { within(server.graceful_shutdown()).await.unwrap() };
    let run = async { app.run() };
    tokio::join!(drain, run);
    app.ended().await;
}
