use std::time::Duration;

/// What one server takes from its clients.
///
/// ```
/// # use purlin_serve::Limits;
/// let limits = Limits { max_connections: 500, ..Limits::default() };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at a time; 10 000 by default, at least 1.
    ///
    /// Above it nothing is refused: the server stops accepting until a connection ends, and further
    /// clients wait in the kernel's queue. At a stop the queue is accepted over the limit, since it
    /// is bounded by the backlog and each of its connections gets one answer only.
    pub max_connections: usize,
    /// How long a request head may take; 10 s by default.
    ///
    /// It runs from the first byte of the head, and on a fresh connection also from the accept to
    /// that byte. A client that is slower is cut without an answer. So is one that is to be closed
    /// for its idleness and, for as long again, does not take what was sent to it.
    pub header_read_timeout: Duration,
    /// Largest request head (request line and headers) in bytes; 32 KiB by default. A larger one is
    /// answered with 431.
    pub max_header_bytes: usize,
    /// Most header fields of a request; 100 by default. More are answered with 431. Another value
    /// than 100 costs an allocation per request.
    pub max_headers: usize,
    /// How long a connection is kept between two requests; 75 s by default.
    ///
    /// It should outlast the idle timeout of the load balancer in front (60 s is usual), or that
    /// one now and then sends a request to a connection that is just being closed.
    pub idle_timeout: Duration,
    /// Largest request body in bytes; 2 MiB by default.
    ///
    /// Reading past it fails with [`http_body_util::LengthLimitError`], for which
    /// [`ReadBodyError`](crate::ReadBodyError) and axum's extractors answer 413.
    pub max_body_bytes: usize,
    /// How long a stop waits for a request on a connection that has none in flight; 1 s by default.
    ///
    /// A client may have sent one that is still under way: one that arrives within the grace is
    /// answered, with `Connection: close`. The grace is never more than half of the drain.
    pub drain_grace: Duration,
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            header_read_timeout: Duration::from_secs(10),
            max_header_bytes: 32 * 1024,
            max_headers: 100,
            idle_timeout: Duration::from_secs(75),
            max_body_bytes: 2 * 1024 * 1024,
            drain_grace: Duration::from_secs(1),
        }
    }
}
