use std::time::Duration;

use purlin::config::{ByteSize, Config};
use purlin_serve::Http2Limits;

/// What one connection of HTTP/2 may take.
#[derive(Debug, Clone, PartialEq, Eq, Config)]
pub struct Http2Config {
    /// Whether HTTP/2 is spoken, beside HTTP/1.1 and on the same port.
    #[config(default = true)]
    pub enabled: bool,
    /// Requests in flight at a time on one connection.
    #[config(default = 200)]
    #[validate(range(min = 1, max = 1_000_000))]
    pub max_concurrent_streams: u32,
    /// Requests that a client may give up before they were answered; then its connection is cut.
    /// Each answered one takes back one.
    #[config(default = 1000)]
    #[validate(range(min = 1, max = 1_000_000))]
    pub max_given_up: u32,
    /// How much of a request's body a client may send before it is read.
    #[config(default = "1MiB")]
    #[validate(range(min = "1KiB", max = "1GiB"))]
    pub stream_window: ByteSize,
    /// The same for all requests of a connection together.
    #[config(default = "1MiB")]
    #[validate(range(min = "64KiB", max = "1GiB"))]
    pub connection_window: ByteSize,
    /// The largest frame.
    #[config(default = "16KiB")]
    #[validate(range(min = "16KiB", max = "8MiB"))]
    pub max_frame: ByteSize,
    /// How much of a response is kept until its client takes it.
    #[config(default = "400KiB")]
    #[validate(range(min = "16KiB", max = "1GiB"))]
    pub send_buffer: ByteSize,
    /// How often a client is asked whether it is still there. 0 is never.
    #[config(default = "30s")]
    #[validate(range(max = "24h"))]
    pub keep_alive_interval: Duration,
    /// How long it may take to answer, before its connection is closed.
    #[config(default = "20s")]
    #[validate(range(min = "10ms", max = "1h"))]
    pub keep_alive_timeout: Duration,
}

// === impl Http2Config ===

impl Http2Config {
    /// The limits; `None` where it is off.
    pub(crate) fn limits(&self) -> Option<Http2Limits> {
        let bytes = |size: ByteSize| u32::try_from(size.bytes()).unwrap_or(u32::MAX);
        self.enabled.then(|| Http2Limits {
            max_concurrent_streams: self.max_concurrent_streams,
            max_given_up: self.max_given_up,
            stream_window_bytes: bytes(self.stream_window),
            connection_window_bytes: bytes(self.connection_window),
            max_frame_bytes: bytes(self.max_frame),
            send_buffer_bytes: bytes(self.send_buffer),
            keep_alive_interval: Some(self.keep_alive_interval).filter(|every| !every.is_zero()),
            keep_alive_timeout: self.keep_alive_timeout,
        })
    }
}
