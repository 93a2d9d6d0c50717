use std::{
    convert::Infallible, future::Future, io, net::SocketAddr, panic::resume_unwind, pin::pin,
    sync::Arc, time::Duration,
};

use http::{Request, Response};
use http_body::Body;
use purlin_core::clock::{Clock, Instant};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};
use tower::Service;

use crate::{
    BoxError, Cut, DrainReport, Limits, Listener, RequestBody, Stats,
    accept::Acceptor,
    connection::{self, Drain, Terms},
};

/// A server of HTTP/1.1 and HTTP/2 on one [`Listener`], for any cloneable tower service.
///
/// The crate's page has an example. Each connection gets a clone of the service, and each request
/// has the client's address among its extensions ([`PeerAddr`](crate::PeerAddr)).
#[must_use = "a server serves nothing until `run` is awaited"]
#[derive(Debug)]
pub struct Server<S> {
    listener: Listener,
    service: S,
    clock: Clock,
    limits: Limits,
    stats: Stats,
    #[cfg(feature = "tls")]
    tls: Option<Arc<purlin_tls::ServerTls>>,
}

// === impl Server ===

impl<S> Server<S> {
    /// A server with the default [`Limits`].
    pub fn new(listener: Listener, service: S, clock: Clock) -> Self {
        Self {
            listener,
            service,
            clock,
            limits: Limits::default(),
            stats: Stats::default(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Replaces the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Speaks TLS, and nothing else, on this port.
    ///
    /// Hands have to be shaken within [`Limits::header_read_timeout`]. The versions that it agrees
    /// on by ALPN should be those of [`Limits::http2`]. A reloaded certificate holds for the
    /// connections that are made after it.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Arc<purlin_tls::ServerTls>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The figures of this server; they stay readable while it runs and after it.
    pub fn stats(&self) -> Stats {
        self.stats.clone()
    }

    /// The address that is listened on.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// Serves until `stop` resolves, then drains until the moment that it resolved to.
    ///
    /// The drain accepts what the kernel has queued and closes the listener. Responses carry
    /// `Connection: close` from then on, and connections of HTTP/2 get a `GOAWAY`, which names the
    /// last request that is answered. Requests in flight are awaited, streaming bodies and
    /// upgraded connections too; a connection of HTTP/1 without one is closed when
    /// [`drain_grace`](Limits::drain_grace) has passed without its next, or first, request. What is
    /// still open at the deadline is cut and counted.
    ///
    /// A panic of the service ends its request, in HTTP/1 its connection too, and no other.
    /// Dropping the future cuts all connections.
    ///
    /// # Errors
    /// When the runtime cannot watch the listener. Errors while serving do not end the server.
    pub async fn run<B>(self, stop: impl Future<Output = Instant>) -> io::Result<DrainReport>
    where
        S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let Self { listener, service, clock, limits, stats, .. } = self;
        let acceptors = Acceptor::all(listener, &limits, &clock, &stats)?;
        let (drain, draining) = watch::channel(None);
        let drain_grace = limits.drain_grace;
        let terms = Terms::new(
            limits,
            clock.clone(),
            stats.clone(),
            #[cfg(feature = "tls")]
            self.tls,
            draining,
        );
        let terms = Arc::new(terms);
        let mut loops = JoinSet::new();
        for acceptor in acceptors {
            loops.spawn(accept_loop(acceptor, Arc::clone(&terms), service.clone()));
        }

        let mut stop = pin!(stop);
        let deadline = tokio::select! {
            biased;
            deadline = &mut stop => deadline,
            Some(ended) = loops.join_next() => {
                // A loop ends in a drain only, so this one panicked.
                resume_unwind(ended.map_or_else(JoinError::into_panic, |_| Box::new("no drain")));
            }
        };

        stats.drain();
        let now = clock.now();
        let grace = now + drain_grace.min(deadline.since(now) / 2);
        drain.send_replace(Some(Drain { grace, deadline }));
        let mut drained = loops.join_all().await;
        // Read before the tasks are dropped: the requests that end with them are not finished.
        let report = DrainReport {
            closed: drained.iter().map(|drained| drained.closed).sum(),
            finished: stats.finished(),
            cut: drained.iter().map(|drained| drained.left.len() as u64).sum(),
        };
        // Whoever follows requests knows those that were cut before this returns, unless one of them
        // blocks its thread.
        drained.iter_mut().for_each(|drained| drained.left.abort_all());
        let ended = async {
            for drained in &mut drained {
                drained.left.shutdown().await;
            }
            terms.requests.close();
            terms.requests.wait().await;
        };
        let _ = clock.timeout(CUT, ended).await;
        Ok(report)
    }
}

/// What became of the connections of one accept loop.
struct Drained {
    closed: u64,
    /// Those to be cut.
    left: JoinSet<()>,
}

/// How long what is cut may take to end.
const CUT: Duration = Duration::from_millis(100);

/// Accepts and serves until the drain begins, then drains.
async fn accept_loop<S, B>(mut acceptor: Acceptor, terms: Arc<Terms>, service: S) -> Drained
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let serve = {
        let terms = Arc::clone(&terms);
        move |accepted| connection::serve(Arc::clone(&terms), accepted, service.clone())
    };
    let mut tasks = JoinSet::new();
    let mut draining = terms.draining.clone();
    let deadline = {
        let mut draining = pin!(draining.wait_for(Option::is_some));
        loop {
            tokio::select! {
                biased;
                // The sender is dropped with this loop, so there is always a value.
                drain = &mut draining => {
                    break drain.ok().and_then(|drain| *drain).map_or(Instant::START, |drain| drain.deadline);
                }
                Some(ended) = tasks.join_next() => note(ended, &terms.stats),
                accepted = acceptor.accept() => drop(tasks.spawn(serve(accepted))),
            }
        }
    };
    for accepted in acceptor.close() {
        tasks.spawn(serve(accepted));
    }

    let mut closed = 0;
    let mut cut = pin!(terms.clock.sleep_until(deadline));
    loop {
        tokio::select! {
            biased;
            ended = tasks.join_next() => match ended {
                Some(ended) => {
                    note(ended, &terms.stats);
                    closed += 1;
                }
                None => break,
            },
            () = &mut cut => break,
        }
    }
    Drained { closed, left: tasks }
}

/// Counts a connection that was lost to a panic; the panic hook has reported the panic itself.
fn note(ended: Result<(), JoinError>, stats: &Stats) {
    if ended.is_err_and(|error| error.is_panic()) {
        stats.bear_no_longer(Cut::Panicked);
    }
}
