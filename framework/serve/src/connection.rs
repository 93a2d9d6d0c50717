//! One connection, from its accept to its end.
//!
//! What HTTP/2 and TLS will need has its place: the builder in [`Terms`] speaks the protocol,
//! [`Stream`] is generic over what it carries, and everything else sees only [`Track`].

mod patience;
mod stream;
mod track;

use std::{convert::Infallible, future::poll_fn, pin::pin, sync::Arc, task::Poll};

use http::{Request, Response};
use http_body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use purlin_core::clock::{Clock, Instant};
use tokio::sync::{oneshot, watch};
use tower::Service;

pub(crate) use self::track::{InFlight, Track};
use self::{
    patience::{Patience, Verdict},
    stream::Stream,
};
use crate::{BoxError, Limits, PeerAddr, RequestBody, Stats, accept::Accepted, service::Counting};

/// What holds for every connection of a server.
pub(crate) struct Terms {
    http: http1::Builder,
    limits: Limits,
    clock: Clock,
    stats: Stats,
    /// Set when the drain begins, to the moment until which a request may still arrive.
    draining: watch::Receiver<Option<Instant>>,
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
    let track = Arc::new(Track::new(terms.stats.clone()));
    let (owner, closed) = oneshot::channel();
    let stream = Stream::new(tcp, Arc::clone(&track), terms.clock.clone(), owner);
    let service = Counting {
        service,
        peer: PeerAddr(peer),
        max_body_bytes: terms.limits.max_body_bytes,
        track: Arc::clone(&track),
    };
    drive(&terms, &track, stream, service).await;
    // It is closed by now, unless it was upgraded: then it still belongs to this task, in the hands
    // of whoever upgraded it.
    let _ = closed.await;
    drop((slot, open));
}

async fn drive<S, B>(
    terms: &Terms,
    track: &Track,
    stream: Stream<tokio::net::TcpStream>,
    service: Counting<S>,
) where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let mut draining = terms.draining.clone();
    let mut draining = pin!(async move {
        // The sender outlives every connection; `START` would end the grace at once.
        draining.wait_for(Option::is_some).await.map_or(Some(Instant::START), |grace| *grace)
    });
    let mut grace = None;
    let mut patience = Patience::new(&terms.limits, terms.clock.clone());
    let mut connection =
        pin!(terms.http.serve_connection(TokioIo::new(stream), service).with_upgrades());

    poll_fn(|cx| {
        loop {
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                if let Err(error) = result {
                    tracing::debug!(error = &error as &dyn std::error::Error, "connection failed");
                }
                return Poll::Ready(());
            }
            if grace.is_none()
                && let Poll::Ready(until) = draining.as_mut().poll(cx)
            {
                grace = until;
            }
            match patience.poll(cx, track, grace) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Verdict::Close) => connection.as_mut().graceful_shutdown(),
                Poll::Ready(Verdict::Cut) => {
                    terms.stats.timeout();
                    return Poll::Ready(());
                }
            }
        }
    })
    .await;
}

// === impl Terms ===

impl Terms {
    pub(crate) fn new(
        limits: Limits,
        clock: Clock,
        stats: Stats,
        draining: watch::Receiver<Option<Instant>>,
    ) -> Self {
        let mut http = http1::Builder::new();
        http.header_read_timeout(None).max_header_size(limits.max_header_bytes);
        // Hyper parses up to its default without an allocation.
        if limits.max_headers != Limits::default().max_headers {
            http.max_headers(limits.max_headers);
        }
        Self { http, limits, clock, stats, draining }
    }
}
