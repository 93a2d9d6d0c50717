//! One connection, from its accept to its end.
//!
//! It is the same for HTTP/1 and HTTP/2: hyper speaks the protocol, [`Stream`] sees the bytes, and
//! everything else sees only [`Track`].

mod frames;
mod offer;
mod patience;
mod stream;
mod streams;
mod tape;
mod track;
mod transport;

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Poll, Waker, ready},
};

use http::{Extensions, Request, Response};
use http_body::Body;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use purlin_core::clock::{Clock, Instant};
#[cfg(feature = "tls")]
use purlin_tls::tokio_rustls::server::TlsStream;
use tokio::{
    net::TcpStream,
    sync::{oneshot, watch},
    task::unconstrained,
};
use tokio_util::task::TaskTracker;
use tower::Service;

pub(crate) use self::track::{InFlight, Track};
use self::{
    patience::{Patience, Verdict},
    stream::{Spoken, Stream},
    streams::{Streams, Timekeeper},
    track::Phase,
    transport::Transport,
};
use crate::{
    BoxError, Cut, Http2Limits, Limits, PeerAddr, RequestBody, Stats, accept::Accepted,
    service::Counting,
};
#[cfg(feature = "tls")]
use crate::{OverTls, PeerCertificates};

/// What holds for every connection of a server.
pub(crate) struct Terms {
    http1: http1::Builder,
    timekeeper: Timekeeper,
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) stats: Stats,
    /// The requests of HTTP/2, which are tasks: they end a moment after their connection is cut.
    pub(crate) requests: TaskTracker,
    #[cfg(feature = "tls")]
    tls: Option<Arc<purlin_tls::ServerTls>>,
    /// Set when the drain begins.
    pub(crate) draining: watch::Receiver<Option<Drain>>,
}

/// The two moments of a drain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drain {
    /// Until then a request may still arrive on a connection that has none.
    pub(crate) grace: Instant,
    /// What is still open then is cut.
    pub(crate) deadline: Instant,
}

/// Serves one connection to its end; dropping the future cuts it.
pub(crate) async fn serve<S, B>(terms: Arc<Terms>, accepted: Accepted, service: S)
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let Accepted { tcp, peer, slot, open } = accepted;
    // Without it a small response may wait for the acknowledgement of the one before.
    let _ = tcp.set_nodelay(true);
    let track = Arc::new(Track::new(Arc::clone(&terms)));
    let mut watch = Watch::new(&terms, &track);
    let Some(transport) = watch.secure(tcp).await else {
        return;
    };
    let mut extensions = with_room();
    extensions.insert(PeerAddr(peer));
    #[cfg(feature = "tls")]
    if let Transport::Tls(stream) = &transport {
        extensions.insert(OverTls);
        if let Some(certificates) = PeerCertificates::of(stream) {
            extensions.insert(certificates);
        }
    }
    let service = Counting { service, extensions, track: Arc::clone(&track) };
    let (owner, closed) = oneshot::channel();
    let stream = Stream::new(transport, Arc::clone(&track), terms.clock.clone(), owner);
    watch.serve(stream, service).await;
    // It is closed by now, unless it was upgraded: then it still belongs to this task, in the hands
    // of whoever upgraded it.
    let _ = closed.await;
    drop((slot, open));
}

/// Extensions with room for those that routers and layers add: a clone keeps it, and does not have to
/// grow for each request.
fn with_room() -> Extensions {
    #[derive(Clone)]
    struct Room<const N: u8>;
    let mut extensions = Extensions::new();
    extensions.insert(Room::<0>);
    extensions.insert(Room::<1>);
    extensions.insert(Room::<2>);
    extensions.insert(Room::<3>);
    extensions.clear();
    extensions
}

/// Drives a connection for as long as there is patience with it.
struct Watch<'a> {
    terms: &'a Terms,
    track: &'a Track,
    patience: Patience,
    grace: Option<Instant>,
    /// Nothing of HTTP is expected yet.
    in_handshake: bool,
}

// === impl Watch ===

impl<'a> Watch<'a> {
    fn new(terms: &'a Terms, track: &'a Track) -> Self {
        let patience = Patience::new(&terms.limits, terms.clock.clone());
        Self { terms, track, patience, grace: None, in_handshake: false }
    }

    /// Shakes hands, if there is TLS.
    #[cfg(feature = "tls")]
    async fn secure(&mut self, tcp: TcpStream) -> Option<Transport> {
        let Some(tls) = &self.terms.tls else {
            return Some(Transport::Plain(tcp));
        };
        self.in_handshake = true;
        let shaken = self.drive(pin!(tls.acceptor().accept(tcp)), None).await?;
        self.in_handshake = false;
        match shaken {
            Ok(stream) => Some(Transport::Tls(Box::new(stream))),
            Err(error) => {
                self.terms.stats.bear_no_longer(Cut::HandshakeFailed);
                tracing::debug!(error = &error as &dyn std::error::Error, "no TLS");
                None
            }
        }
    }

    #[cfg(not(feature = "tls"))]
    async fn secure(&mut self, tcp: TcpStream) -> Option<Transport> {
        Some(Transport::Plain(tcp))
    }

    async fn serve<S, B>(&mut self, mut stream: Stream<Transport>, service: Counting<S>)
    where
        S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let (terms, track) = (self.terms, self.track);
        let http2 = match &terms.limits.http2 {
            None => None,
            Some(limits) => match self.drive(pin!(stream.sniff()), None).await {
                Some(Ok(Spoken::Http2)) => Some(limits),
                Some(Ok(Spoken::Http1)) => None,
                Some(Err(_)) | None => return,
            },
        };
        let io = TokioIo::new(stream);
        let ended = match http2 {
            None => {
                let connection = pin!(terms.http1.serve_connection(io, service).with_upgrades());
                self.drive(connection, Some(|connection| connection.graceful_shutdown())).await
            }
            Some(limits) => {
                let streams = Streams::new(Arc::clone(&track.terms));
                let mut builder = http2::Builder::new(streams.starter());
                limits.set(&mut builder, &terms.limits);
                builder.timer(terms.timekeeper.clone());
                let connection = pin!(builder.serve_connection(io, service));
                self.drive(connection, Some(|connection| connection.graceful_shutdown())).await
            }
        };
        if let Some(Err(error)) = ended {
            // Hyper measures nothing here but the answers to its pings.
            if error.is_timeout() {
                terms.stats.bear_no_longer(Cut::Unresponsive);
            }
            tracing::debug!(error = &error as &dyn std::error::Error, "connection failed");
        }
    }

    /// Drives `step` to its end, or returns `None` where it is to be dropped.
    ///
    /// `close` is how it is asked to end; without one it is dropped instead.
    async fn drive<F: Future>(
        &mut self,
        mut step: Pin<&mut F>,
        close: Option<fn(Pin<&mut F>)>,
    ) -> Option<F::Output> {
        let Self { terms, track, patience, grace, in_handshake } = self;
        let mut draining = terms.draining.clone();
        // It is asked once and then relied on, also where the task has had its turn by then.
        let mut draining = pin!(unconstrained(async move {
            // The sender outlives every connection; `START` would end the grace at once.
            let drain = draining.wait_for(Option::is_some).await;
            drain.map_or(Some(Instant::START), |drain| drain.map(|drain| drain.grace))
        }));
        let mut told = Waker::noop().clone();
        let too_many = terms.limits.http2.as_ref().map_or(u64::MAX, Http2Limits::given_up);
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(output) = step.as_mut().poll(cx) {
                    return Poll::Ready(Some(output));
                }
                if track.is_http2() && track.given_up() > too_many {
                    terms.stats.bear_no_longer(Cut::Abusive);
                    return Poll::Ready(None);
                }
                // Once told whom to wake, it is asked again when it has something to say.
                if grace.is_none() && (terms.stats.is_draining() || !told.will_wake(cx.waker())) {
                    told.clone_from(cx.waker());
                    if let Poll::Ready(until) = draining.as_mut().poll(cx) {
                        *grace = until;
                    }
                }
                let verdict = ready!(patience.poll(cx, track, *grace));
                if verdict == Verdict::Cut {
                    let (expired, in_head) =
                        (track.is_expired(), matches!(track.phase(), Phase::Head(_)));
                    if !expired {
                        // Whose answers have no room is not read from, in the middle of a head or not.
                        let slow_headers = in_head && !track.write_is_blocked();
                        let reason = if slow_headers { Cut::SlowHeaders } else { Cut::SlowRead };
                        terms.stats.bear_no_longer(reason);
                    }
                    // The first time, who is slow with a head gets to hear of it.
                    if expired || !in_head || !track.expire() {
                        return Poll::Ready(None);
                    }
                    continue;
                }
                if verdict == Verdict::CloseIdle {
                    match in_handshake {
                        true => terms.stats.bear_no_longer(Cut::SlowHandshake),
                        false => terms.stats.close_idle(),
                    }
                }
                match close {
                    Some(close) => close(step.as_mut()),
                    None => return Poll::Ready(None),
                }
            }
        })
        .await
    }
}

// === impl Terms ===

impl Terms {
    pub(crate) fn new(
        limits: Limits,
        clock: Clock,
        stats: Stats,
        #[cfg(feature = "tls")] tls: Option<Arc<purlin_tls::ServerTls>>,
        draining: watch::Receiver<Option<Drain>>,
    ) -> Self {
        let mut http1 = http1::Builder::new();
        http1.header_read_timeout(None).max_header_size(limits.max_header_bytes);
        // Hyper parses up to its default without an allocation.
        if limits.max_headers != Limits::default().max_headers {
            http1.max_headers(limits.max_headers);
        }
        let timekeeper = Timekeeper::new(clock.clone());
        Self {
            http1,
            timekeeper,
            limits,
            clock,
            stats,
            requests: TaskTracker::new(),
            #[cfg(feature = "tls")]
            tls,
            draining,
        }
    }
}

// === impl PeerCertificates ===

#[cfg(feature = "tls")]
impl PeerCertificates {
    fn of(stream: &TlsStream<TcpStream>) -> Option<Self> {
        stream.get_ref().1.peer_certificates().map(|shown| Self(shown.into()))
    }
}
