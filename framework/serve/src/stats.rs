use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
};

#[cfg(doc)]
use crate::{Http2Limits, Limits};

/// What a server is doing, for metrics and pages; a cheap handle.
///
/// The figures are read one by one, so those of one moment need not add up.
#[derive(Debug, Clone, Default)]
pub struct Stats(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    accepted: AtomicU64,
    accept_errors: AtomicU64,
    connections: AtomicUsize,
    requests: AtomicUsize,
    queued: AtomicU64,
    idle_closed: AtomicU64,
    cut: [AtomicU64; Cut::ALL.len()],
    listening: AtomicUsize,
    draining: AtomicBool,
    finished: AtomicU64,
}

/// Why a server bore with a client no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cut {
    /// The TLS handshake took longer than [`Limits::header_read_timeout`].
    SlowHandshake,
    /// The head of a request did (slow headers, Slowloris).
    SlowHeaders,
    /// Nothing of a body came for [`Limits::body_read_timeout`] (slow body, R-U-Dead-Yet).
    SlowBody,
    /// What was sent was not taken (slow read): of an answer for [`Limits::body_write_timeout`], in
    /// HTTP/2 by its request, and of what was sent before an idle connection is closed for
    /// [`Limits::header_read_timeout`].
    SlowRead,
    /// A client of HTTP/2 did not answer a ping within [`Http2Limits::keep_alive_timeout`].
    Unresponsive,
    /// A client of HTTP/2 gave up more than [`Http2Limits::max_given_up`] requests (rapid reset).
    Abusive,
    /// What came was no TLS, or not as the server asks for it.
    HandshakeFailed,
    /// The service panicked: in HTTP/1 the connection is lost with the request.
    Panicked,
}

/// An open connection, as long as it lives.
#[derive(Debug)]
pub(crate) struct Open(Stats);

/// A socket that takes connections, as long as it does.
#[derive(Debug)]
pub(crate) struct Listens(Stats);

// === impl Stats ===

impl Stats {
    /// Connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.0.accepted.load(Relaxed)
    }

    /// Failed attempts to accept so far, such as those without a free file descriptor.
    pub fn accept_errors(&self) -> u64 {
        self.0.accept_errors.load(Relaxed)
    }

    /// Connections open now.
    pub fn connections(&self) -> usize {
        self.0.connections.load(Relaxed)
    }

    /// Requests in flight now: from their head to the end of their response.
    pub fn requests(&self) -> usize {
        self.0.requests.load(Relaxed)
    }

    /// Sockets that take connections now; none before the server runs, and none once a drain has
    /// closed them.
    pub fn listening(&self) -> usize {
        self.0.listening.load(Relaxed)
    }

    /// Connections so far that had to wait for another one to end, since
    /// [`Limits::max_connections`] were open. Those that still wait are not among them: only the
    /// kernel knows them.
    pub fn queued(&self) -> u64 {
        self.0.queued.load(Relaxed)
    }

    /// Connections closed so far because no request came: for [`Limits::idle_timeout`] after the one
    /// before, or for [`Limits::header_read_timeout`] not even the first byte.
    pub fn idle_closed(&self) -> u64 {
        self.0.idle_closed.load(Relaxed)
    }

    /// Connections cut so far for this reason, and requests of HTTP/2 that were reset for it.
    pub fn cut(&self, reason: Cut) -> u64 {
        self.0.cut[reason as usize].load(Relaxed)
    }

    pub(crate) fn open(&self) -> Open {
        self.0.accepted.fetch_add(1, Relaxed);
        self.0.connections.fetch_add(1, Relaxed);
        Open(self.clone())
    }

    pub(crate) fn begin_request(&self) {
        self.0.requests.fetch_add(1, Relaxed);
    }

    pub(crate) fn end_request(&self, answered: bool) {
        self.0.requests.fetch_sub(1, Relaxed);
        if answered && self.is_draining() {
            self.0.finished.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn accept_error(&self) {
        self.0.accept_errors.fetch_add(1, Relaxed);
    }

    pub(crate) fn queue(&self) {
        self.0.queued.fetch_add(1, Relaxed);
    }

    pub(crate) fn close_idle(&self) {
        self.0.idle_closed.fetch_add(1, Relaxed);
    }

    pub(crate) fn bear_no_longer(&self, reason: Cut) {
        self.0.cut[reason as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn listen(&self) -> Listens {
        self.0.listening.fetch_add(1, Relaxed);
        Listens(self.clone())
    }

    pub(crate) fn drain(&self) {
        self.0.draining.store(true, Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.0.draining.load(Relaxed)
    }

    /// Requests answered since the drain began.
    pub(crate) fn finished(&self) -> u64 {
        self.0.finished.load(Relaxed)
    }
}

// === impl Cut ===

impl Cut {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SlowHandshake,
        Self::SlowHeaders,
        Self::SlowBody,
        Self::SlowRead,
        Self::Unresponsive,
        Self::Abusive,
        Self::HandshakeFailed,
        Self::Panicked,
    ];

    /// What it is called in metrics: `slow_headers`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SlowHandshake => "slow_handshake",
            Self::SlowHeaders => "slow_headers",
            Self::SlowBody => "slow_body",
            Self::SlowRead => "slow_read",
            Self::Unresponsive => "unresponsive",
            Self::Abusive => "abusive",
            Self::HandshakeFailed => "handshake_failed",
            Self::Panicked => "panicked",
        }
    }
}

// === impl Open ===

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.connections.fetch_sub(1, Relaxed);
    }
}

// === impl Listens ===

impl Drop for Listens {
    fn drop(&mut self) {
        self.0.0.listening.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_for_itself() {
        let stats = Stats::default();
        for (at, reason) in Cut::ALL.into_iter().enumerate() {
            (0..=at).for_each(|_| stats.bear_no_longer(reason));
        }
        assert_eq!(Cut::ALL.map(|reason| stats.cut(reason)), [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
