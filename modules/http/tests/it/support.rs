use std::{
    cell::RefCell,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, Once},
};

use axum::Router;
use opentelemetry::{global, propagation::TextMapCompositePropagator};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use purlin::clock::{Clock, Instant};
use purlin_http::{Options, routes::Routes, service};
use purlin_serve::{Limits, Listener, Server};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use tokio::task::JoinSet;
use tracing_subscriber::fmt::MakeWriter;

/// The trace of a caller.
pub(crate) const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A service on a socket; it ends with the test.
pub(crate) struct Running {
    pub(crate) addr: SocketAddr,
    pub(crate) client: Client,
    _tasks: JoinSet<io::Result<purlin_serve::DrainReport>>,
}

/// What a test looks at in an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

/// What the thread of a test logs, as JSON. Each test has a thread, on which its server runs, too.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

/// Writes to the log of the thread. There is one subscriber for all tests: `tracing` loses events
/// where several are made at the same time.
struct OfThread;

thread_local! {
    static LOG: RefCell<Log> = RefCell::default();
}

pub(crate) fn start<S: Clone + Send + Sync + 'static>(routes: Routes<S>, state: S) -> Running {
    start_with(routes, state, &Options::default())
}

pub(crate) fn start_with<S>(routes: Routes<S>, state: S, options: &Options) -> Running
where
    S: Clone + Send + Sync + 'static,
{
    serve(service(routes, state, options).unwrap())
}

fn serve(service: Router) -> Running {
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let addr = listener.local_addr();
    // As in the module: the limit of each route holds, not one of the server.
    let limits = Limits { max_body_bytes: usize::MAX, ..Limits::default() };
    let server = Server::new(listener, service, Clock::system()).limits(limits);
    let mut tasks = JoinSet::new();
    tasks.spawn(server.run(std::future::pending::<Instant>()));
    Running { addr, client: Client::new(), _tasks: tasks }
}

/// Takes over the traces of callers, as telemetry does for a process.
pub(crate) fn read_traces() {
    global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
        Box::new(TraceContextPropagator::new()),
        Box::new(BaggagePropagator::new()),
    ]));
}

// === impl Running ===

impl Running {
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("http://{}{path}", self.addr))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request("GET", path)).await
    }
}

// === impl Answer ===

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().unwrap()
    }

    /// Checks that this is a problem with a status and a code, and returns it.
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["type"], "about:blank", "{problem}");
        assert_eq!(problem["correlation_id"], self.header("x-correlation-id"), "{problem}");
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{problem}");
        problem
    }
}

// === impl Log ===

impl Log {
    /// Collects what this thread logs from now on.
    pub(crate) fn capture() -> Self {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let subscriber = tracing_subscriber::fmt().json().with_writer(OfThread);
            subscriber.with_max_level(tracing::Level::INFO).init();
        });
        let log = Self::default();
        LOG.set(log.clone());
        log
    }

    /// The events whose target begins with `target`.
    pub(crate) fn events(&self, target: &str) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event["target"].as_str().unwrap().starts_with(target)).collect()
    }
}

impl MakeWriter<'_> for OfThread {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        LOG.with_borrow(Clone::clone)
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
