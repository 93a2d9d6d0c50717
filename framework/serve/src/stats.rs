use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
};

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
    timed_out: AtomicU64,
    panicked: AtomicU64,
    abused: AtomicU64,
    failed_handshakes: AtomicU64,
    listening: AtomicUsize,
    draining: AtomicBool,
    finished: AtomicU64,
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

    /// Clients so far that were too slow: with the head or the body of a request, or in taking the
    /// end of a response.
    pub fn timed_out(&self) -> u64 {
        self.0.timed_out.load(Relaxed)
    }

    /// Connections cut so far because their client gave up too many requests
    /// ([`Http2Limits::max_given_up`](crate::Http2Limits::max_given_up)).
    pub fn abused(&self) -> u64 {
        self.0.abused.load(Relaxed)
    }

    /// Connections so far that were no TLS, or not as the server asks for it.
    pub fn failed_handshakes(&self) -> u64 {
        self.0.failed_handshakes.load(Relaxed)
    }

    /// Requests lost so far to a panic of their service; in HTTP/1 their connection with them.
    pub fn panicked(&self) -> u64 {
        self.0.panicked.load(Relaxed)
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

    pub(crate) fn timeout(&self) {
        self.0.timed_out.fetch_add(1, Relaxed);
    }

    #[cfg(feature = "tls")]
    pub(crate) fn fail_handshake(&self) {
        self.0.failed_handshakes.fetch_add(1, Relaxed);
    }

    pub(crate) fn abuse(&self) {
        self.0.abused.fetch_add(1, Relaxed);
    }

    pub(crate) fn listen(&self) -> Listens {
        self.0.listening.fetch_add(1, Relaxed);
        Listens(self.clone())
    }

    pub(crate) fn panic(&self) {
        self.0.panicked.fetch_add(1, Relaxed);
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
