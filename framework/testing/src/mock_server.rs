mod answer;
mod difference;
mod expectation;
mod received;
mod report;
mod serve;
mod when;

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use purlin_core::clock::Clock;
#[cfg(feature = "tls")]
use purlin_tls::{ServerTls, ServerTlsConfig};

pub use self::{
    answer::{Answer, Reply, Sequence},
    expectation::{Mock, Times},
    received::Received,
    when::When,
};
use self::{expectation::Expectation, report::Unmatched, serve::Channel, when::Mismatch};
#[cfg(feature = "tls")]
use crate::authority::{Authority, Issued};
use crate::stage::Stage;

/// An HTTP server that answers as a test says, and that fails the test when it is not asked as the
/// test expects.
///
/// ```
/// use purlin_testing::{Client, MockServer, Reply, When};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let bank = MockServer::start();
/// let charged = bank.mock(
///     When::post("/charges").json(&json!({ "cents": 1250 })),
///     Reply::status(503).times(2).then(Reply::status(201).json(&json!({ "id": "ch_1" }))),
/// );
///
/// let client = Client::new(bank.address());
/// for status in [503, 503, 201] {
///     client.post("/charges").json(&json!({ "cents": 1250 })).await.expect(status);
/// }
/// assert_eq!(charged.calls(), 3);
/// # }
/// ```
///
/// # Matching
/// The expectation that was made last is asked first, so that a test says what differs from its
/// fixture. One that had all its [times](Mock::times) matches no more. What matches nothing is
/// answered with 501 and says what is wrong with it, compared with the expectation that comes
/// nearest.
///
/// # Verification
/// When the server is dropped, each expectation must have been met as often as it says (at least
/// once, if it says nothing), and there must have been no request that matches nothing.
///
/// The server has a thread of its own, and speaks HTTP/1.1; with the feature `tls`
/// [also over TLS](Self::start_tls).
pub struct MockServer {
    site: Arc<Site>,
    address: SocketAddr,
    url: String,
    verifies: bool,
    _stage: Stage,
}

/// What the server and the test share.
struct Site {
    clock: Clock,
    expectations: Mutex<Vec<Arc<Expectation>>>,
    received: Mutex<Vec<Received>>,
    unmatched: Mutex<Vec<Unmatched>>,
}

// === impl MockServer ===

impl MockServer {
    /// A server on a free port, without an expectation.
    ///
    /// # Panics
    /// When this machine gives no port or no thread.
    pub fn start() -> Self {
        Self::start_on(Clock::system())
    }

    /// A server whose delays go by `clock`.
    ///
    /// # Panics
    /// When this machine gives no port or no thread.
    pub fn start_on(clock: Clock) -> Self {
        Self::serve("http://127.0.0.1", clock, Channel::Plain)
    }

    /// A server that speaks TLS. Its certificate is of `authority`, and for `localhost` alone: under
    /// `127.0.0.1` a client has to refuse it.
    ///
    /// ```
    /// # use purlin_testing::{Authority, MockServer};
    /// let authority = Authority::new();
    /// let bank = MockServer::start_tls(&authority);
    /// let (url, ca) = (bank.url(), authority.ca());     // `http_client.url`, `http_client.tls.ca`
    /// # assert_eq!(url, format!("https://localhost:{}", bank.address().port()));
    /// ```
    ///
    /// # Panics
    /// When this machine gives no port or no thread.
    #[cfg(feature = "tls")]
    pub fn start_tls(authority: &Authority) -> Self {
        let Issued { cert, key } = authority.issue(&["localhost"]);
        let config = ServerTlsConfig { cert: Some(cert), key: Some(key), ..Default::default() };
        let tls = ServerTls::load(&config, &["http/1.1"], Clock::system());
        let tls = tls.expect("what was issued is sound").expect("it has a certificate");
        Self::serve("https://localhost", Clock::system(), Channel::Tls(tls.acceptor()))
    }

    fn serve(origin: &str, clock: Clock, channel: Channel) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        });
        let (address, listener) = listener.expect("a free port can be bound");
        let site = Arc::new(Site {
            clock,
            expectations: Mutex::default(),
            received: Mutex::default(),
            unmatched: Mutex::default(),
        });
        let play = {
            let site = site.clone();
            move || serve::run(site, listener, channel)
        };
        let url = format!("{origin}:{}", address.port());
        Self { site, address, url, verifies: true, _stage: Stage::start("mock-server", play) }
    }

    /// Does not verify when it is dropped: for a server that stands in the background.
    #[must_use]
    pub fn lenient(mut self) -> Self {
        self.verifies = false;
        self
    }

    /// Answers requests that match `when`.
    pub fn mock(&self, when: When, answer: impl Answer) -> Mock {
        let expectation = Arc::new(Expectation::new(when, Box::new(answer)));
        self.site.expectations().push(expectation.clone());
        Mock(expectation)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens: `http://127.0.0.1:41234`, or `https://localhost:41234`.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The requests that came, whether they matched or not, in order.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.site.received).clone()
    }

    /// Verifies now what is verified when it is dropped.
    ///
    /// # Panics
    /// With what is missing and what matched nothing.
    #[track_caller]
    pub fn verify(mut self) {
        // Otherwise it would be said twice.
        self.verifies = false;
        if let Some(report) = self.report() {
            panic!("{report}");
        }
    }

    fn report(&self) -> Option<String> {
        report::report(&self.url, &self.site.expectations(), &lock(&self.site.unmatched))
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        if self.verifies
            && !std::thread::panicking()
            && let Some(report) = self.report()
        {
            panic!("{report}");
        }
    }
}

impl fmt::Debug for MockServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockServer")
            .field("address", &self.address)
            .field("expectations", &self.site.expectations().len())
            .finish_non_exhaustive()
    }
}

// === impl Site ===

impl Site {
    fn expectations(&self) -> MutexGuard<'_, Vec<Arc<Expectation>>> {
        lock(&self.expectations)
    }

    /// The answer to a request.
    fn answer(&self, request: Received) -> Reply {
        lock(&self.received).push(request.clone());
        // The latest comes first, and where two are equally near it is the nearest, too.
        let expectations: Vec<_> = self.expectations().iter().rev().cloned().collect();
        let mut nearest: Option<(&Expectation, Mismatch)> = None;
        for expectation in &expectations {
            match expectation.take(&request) {
                Ok(reply) => return reply,
                Err(mismatch) => {
                    if nearest.as_ref().is_none_or(|(_, best)| mismatch.is_nearer_than(best)) {
                        nearest = Some((expectation, mismatch));
                    }
                }
            }
        }
        let unmatched = Unmatched::new(request, nearest);
        let reply = Reply::problem(501, "unimplemented", unmatched.to_string());
        lock(&self.unmatched).push(unmatched);
        reply
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
