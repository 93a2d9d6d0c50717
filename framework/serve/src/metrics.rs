//! The metrics of a server's connections. [`Tally`](crate::Tally) shows them.
//!
//! `server` is the section of the configuration that the server has: `http` or `admin`.

purlin_core::metrics! {
    CONNECTIONS = UpDownCounter "http_server_connections" ["server"] "":
        "HTTP connections that are open.";
    /// See [`Limits::max_connections`](crate::Limits::max_connections). Where as many are open,
    /// further clients wait.
    MAX_CONNECTIONS = Gauge "http_server_max_connections" ["server"] "":
        "HTTP connections that may be open at a time.";
    ACCEPTED = Counter "http_server_connections_accepted_total" ["server"] "":
        "HTTP connections that were accepted.";
    QUEUED = Counter "http_server_connections_queued_total" ["server"] "":
        "HTTP connections that waited for another one to end, since as many were open as may be.";
    /// For [`Limits::idle_timeout`](crate::Limits::idle_timeout) after the request before, or for
    /// [`Limits::header_read_timeout`](crate::Limits::header_read_timeout) not even a first byte.
    IDLE_CLOSED = Counter "http_server_connections_idle_closed_total" ["server"] "":
        "HTTP connections that were closed because no request came.";
    /// Above all those without a free file descriptor.
    ACCEPT_ERRORS = Counter "http_server_accept_errors_total" ["server"] "":
        "Failed attempts to accept an HTTP connection.";
    /// `reason` is a [`Cut`](crate::Cut): `slow_handshake`, `slow_headers`, `slow_body`,
    /// `slow_read`, `unresponsive`, `abusive`, `handshake_failed` or `panicked`.
    CUT = Counter "http_server_connections_cut_total" ["server", "reason"] "":
        "HTTP clients that the server did not bear with, by what they did.";
}
