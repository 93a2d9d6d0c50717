use std::time::Duration;

use hyper::server::conn::http2::Builder;

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
    /// that byte. A client that is slower gets 408 in HTTP/1, and is cut in HTTP/2 or where no byte
    /// has come. So is one that is to be closed for its idleness and, for as long again, does not
    /// take what was sent to it.
    pub header_read_timeout: Duration,
    /// Largest request head (request line and headers) in bytes; 32 KiB by default. A larger one is
    /// answered with 431. In HTTP/2 it is the size of the header list as RFC 9113, 6.5.2 counts it:
    /// 32 bytes more for each field.
    pub max_header_bytes: usize,
    /// Most header fields of a request; 100 by default. More are answered with 431. Another value
    /// than 100 costs an allocation per request in HTTP/1.
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
    /// How long a request body may pause between two of its pieces while it is being read; 30 s by
    /// default.
    ///
    /// Then reading it fails with [`SlowBodyError`](crate::SlowBodyError), for which
    /// [`ReadBodyError`](crate::ReadBodyError) answers 408. It bounds a body that drips, not one
    /// that is long; the time in which nobody reads does not count.
    pub body_read_timeout: Duration,
    /// How long a client may take nothing of an answer that is kept for it; 30 s by default.
    ///
    /// Then the connection is cut in HTTP/1, and in HTTP/2 the request is reset; 16 KiB of an answer
    /// have that long there. A stream that has nothing to send, such as one of events, does not wait
    /// for its client and may last. An answer in HTTP/1 whose end has been handed to the kernel or
    /// waits in one piece has [`idle_timeout`](Self::idle_timeout).
    pub body_write_timeout: Duration,
    /// How long a stop waits for a request on a connection that has none in flight; 1 s by default.
    ///
    /// A client may have sent one that is still under way: one that arrives within the grace is
    /// answered, with `Connection: close`. The grace is never more than half of the drain.
    pub drain_grace: Duration,
    /// What is taken over HTTP/2; `None` is HTTP/1 only.
    ///
    /// Both are spoken on the same port: with TLS as the client and the server agree by ALPN, without
    /// it by the client's first bytes (prior knowledge; there is no upgrade from HTTP/1).
    pub http2: Option<Http2Limits>,
}

/// What one connection of HTTP/2 may take (RFC 9113).
///
/// ```
/// # use purlin_serve::{Http2Limits, Limits};
/// let http2 = Http2Limits { max_concurrent_streams: 50, ..Http2Limits::default() };
/// let limits = Limits { http2: Some(http2), ..Limits::default() };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http2Limits {
    /// Requests in flight at a time; 200 by default. A client is told, and those above it are
    /// refused.
    pub max_concurrent_streams: u32,
    /// Requests that a client may give up before they were answered; 1000 by default.
    ///
    /// Each answered one takes back one that was given up. The connection of a client that gives up
    /// more is cut, since each costs the start of a handler (rapid reset, CVE-2023-44487). Those
    /// that are given up faster than they are started have a lower limit, of 20.
    pub max_given_up: u32,
    /// Bytes of a request body that a client may send before they are read; 1 MiB by default, at
    /// most 2³¹ − 1.
    pub stream_window_bytes: u32,
    /// The same for all requests of a connection together; 1 MiB by default, at most 2³¹ − 1.
    pub connection_window_bytes: u32,
    /// Largest frame; 16 KiB by default, at least that and less than 16 MiB.
    pub max_frame_bytes: u32,
    /// Bytes of a response that are kept until its client takes them; 400 KiB by default.
    pub send_buffer_bytes: u32,
    /// How often a client is asked whether it is still there; 30 s by default, `None` is never.
    pub keep_alive_interval: Option<Duration>,
    /// How long it may take to answer; 20 s by default. Then its connection is closed, with the
    /// requests in flight.
    pub keep_alive_timeout: Duration,
}

/// What the protocol allows for the size of a window, and of a frame.
const MAX_WINDOW: u32 = (1 << 31) - 1;
const FRAMES: (u32, u32) = (1 << 14, (1 << 24) - 1);

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
            body_read_timeout: Duration::from_secs(30),
            body_write_timeout: Duration::from_secs(30),
            drain_grace: Duration::from_secs(1),
            http2: Some(Http2Limits::default()),
        }
    }
}

// === impl Http2Limits ===

impl Http2Limits {
    pub(crate) fn given_up(&self) -> u64 {
        self.max_given_up.into()
    }

    pub(crate) fn set<E>(&self, builder: &mut Builder<E>, limits: &Limits) {
        builder
            .max_concurrent_streams(self.max_concurrent_streams)
            .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX))
            .initial_stream_window_size(self.stream_window_bytes.min(MAX_WINDOW))
            .initial_connection_window_size(self.connection_window_bytes.min(MAX_WINDOW))
            .max_frame_size(self.max_frame_bytes.clamp(FRAMES.0, FRAMES.1))
            .max_send_buf_size(self.send_buffer_bytes as usize)
            .keep_alive_interval(self.keep_alive_interval)
            .keep_alive_timeout(self.keep_alive_timeout);
    }
}

impl Default for Http2Limits {
    fn default() -> Self {
        Self {
            max_concurrent_streams: 200,
            max_given_up: 1000,
            stream_window_bytes: 1024 * 1024,
            connection_window_bytes: 1024 * 1024,
            max_frame_bytes: 16 * 1024,
            send_buffer_bytes: 400 * 1024,
            keep_alive_interval: Some(Duration::from_secs(30)),
            keep_alive_timeout: Duration::from_secs(20),
        }
    }
}
