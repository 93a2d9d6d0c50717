//! The section `http`.

mod compression;
mod cors;
mod csrf;
mod http2;
mod network;
mod openapi;
mod origin;
mod rate_limit;

use std::{num::NonZero, thread::available_parallelism, time::Duration};

use purlin::config::{ByteSize, Config, Listen};
use purlin_serve::{Limits, Listening};

pub(crate) use self::cors::is_wild;
pub use self::{
    compression::{CompressionConfig, Level},
    cors::CorsConfig,
    csrf::CsrfConfig,
    http2::Http2Config,
    network::{Network, NotANetwork},
    openapi::{OpenApiConfig, ServeDocs},
    origin::{AllowedOrigin, NotAnOrigin},
    rate_limit::{NotAKey, RateLimitConfig, RateLimitKey, WhenUnavailable},
};

/// How the service is offered over HTTP.
#[derive(Debug, Clone, Config)]
#[config(section = "http")]
pub struct HttpConfig {
    /// The address that the server listens on.
    #[config(default = "8080", env = "HTTP_LISTEN", alias = "HTTP_PORT")]
    pub listen: Listen,
    /// How many sockets share the address, each with an accept loop. 0 is one for each core, up to
    /// 8. There is one where the system cannot spread connections over several (it can on Linux).
    #[config(default = 0)]
    #[validate(range(max = 256))]
    pub accept_loops: usize,
    /// Whether another process may listen on the address too, such as the next version of this
    /// service beside the one that stops. It has to ask for the same, and have the same user.
    #[config(default = false)]
    pub reuse_port: bool,
    /// The largest body of a request; larger ones get 413.
    #[config(default = "2MiB")]
    #[validate(range(max = "1TiB"))]
    pub body_limit: ByteSize,
    /// How long a request may take until its answer begins; then it gets 504. 0 is no limit.
    #[config(default = "30s")]
    #[validate(range(max = "24h"))]
    pub request_timeout: Duration,
    /// How long a client may take for the head of a request.
    #[config(default = "10s")]
    #[validate(range(min = "10ms", max = "1h"))]
    pub header_read_timeout: Duration,
    /// The largest head of a request (request line and headers); larger ones get 431.
    #[config(default = "32KiB")]
    #[validate(range(min = "1KiB", max = "1MiB"))]
    pub header_limit: ByteSize,
    /// The most header fields of a request; more get 431.
    #[config(default = 100)]
    #[validate(range(min = 1, max = 10_000))]
    pub max_headers: usize,
    /// How long the body of a request may pause while it is read; then it gets 408.
    #[config(default = "30s")]
    #[validate(range(min = "10ms", max = "1h"))]
    pub body_read_timeout: Duration,
    /// How long a client may take nothing of an answer that is kept for it; then it is cut.
    #[config(default = "30s")]
    #[validate(range(min = "10ms", max = "1h"))]
    pub body_write_timeout: Duration,
    /// How long a connection may stay open without a request.
    #[config(default = "75s")]
    #[validate(range(min = "10ms", max = "24h"))]
    pub idle_timeout: Duration,
    /// The most connections at a time; others wait until one is closed.
    #[config(default = 10_000)]
    #[validate(range(min = 1, max = 1_000_000))]
    pub max_connections: usize,
    /// How long requests in flight may take at stop, before their connections are closed.
    #[config(default = "5s")]
    #[validate(range(max = "24h"))]
    pub drain: Duration,
    /// HTTP/2.
    #[config(nested)]
    pub http2: Http2Config,
    /// TLS, on the same port instead of plain text.
    #[cfg(feature = "tls")]
    #[config(nested)]
    pub tls: purlin_tls::ServerTlsConfig,
    /// The proxies whose `X-Forwarded-For` is believed, as networks: 10.0.0.0/8.
    #[config(default)]
    pub trusted_proxies: Vec<Network>,
    /// The layers around every route.
    #[config(nested)]
    pub layers: LayersConfig,
    /// What is compressed.
    #[config(nested)]
    pub compression: CompressionConfig,
    /// Which web pages of other origins may call the service.
    #[config(nested)]
    pub cors: CorsConfig,
    /// How requests are refused that come from pages of other sites.
    #[config(nested)]
    pub csrf: CsrfConfig,
    /// How many requests a caller may send.
    #[config(nested)]
    pub rate_limit: RateLimitConfig,
    /// Where the documentation of the service is seen.
    #[config(nested)]
    pub openapi: OpenApiConfig,
}

/// Which layers are around every route.
#[derive(Debug, Clone, PartialEq, Eq, Config)]
pub struct LayersConfig {
    /// Whether there are layers at all. Without them a route is what it is in axum: it has no limit
    /// and no timeout, its streams are not told of the drain; only the guard stays.
    #[config(default = true)]
    pub enabled: bool,
    /// Whether each request has a span, in the trace of its caller.
    #[config(default = true)]
    pub trace: bool,
    /// Whether each request has a correlation id, in its answer and on every line of the log.
    #[config(default = true)]
    pub correlation_id: bool,
    /// Whether each request is a line in the log.
    #[config(default = true)]
    pub access_log: bool,
    /// Whether requests are measured.
    #[config(default = true)]
    pub metrics: bool,
    /// Whether errors become problem details.
    #[config(default = true)]
    pub problems: bool,
    /// Whether a panic is answered with 500, instead of a closed connection.
    #[config(default = true)]
    pub panics: bool,
    /// Whether requests that come while the server drains get 503 instead of an answer.
    #[config(default = false)]
    pub drain: bool,
}

/// More accept loops than this gain nothing: connections are accepted faster than they are served.
const MOST_LOOPS: usize = 8;

// === impl HttpConfig ===

impl HttpConfig {
    pub(crate) fn listening(&self) -> Listening {
        let cores = || available_parallelism().map_or(1, NonZero::get);
        let accept_loops = match self.accept_loops {
            0 => cores().min(MOST_LOOPS),
            loops => loops,
        };
        Listening { accept_loops, reuse_port: self.reuse_port, ..Listening::default() }
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            max_connections: self.max_connections,
            header_read_timeout: self.header_read_timeout,
            max_header_bytes: usize::try_from(self.header_limit.bytes()).unwrap_or(usize::MAX),
            max_headers: self.max_headers,
            idle_timeout: self.idle_timeout,
            // A layer of each route sees to that: a route may take more than others.
            max_body_bytes: usize::MAX,
            body_read_timeout: self.body_read_timeout,
            body_write_timeout: self.body_write_timeout,
            http2: self.http2.limits(),
            ..Limits::default()
        }
    }
}

// === impl LayersConfig ===

impl LayersConfig {
    /// No layer at all.
    pub const NONE: Self = Self {
        enabled: false,
        trace: false,
        correlation_id: false,
        access_log: false,
        metrics: false,
        problems: false,
        panics: false,
        drain: false,
    };
}

impl Default for LayersConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            trace: true,
            correlation_id: true,
            access_log: true,
            metrics: true,
            problems: true,
            panics: true,
            drain: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use purlin::config::{Inputs, Section, Settings};

    use super::*;
    use crate::Options;

    fn read(inputs: Inputs) -> HttpConfig {
        let section = Section::of::<HttpConfig>("http", None);
        let (settings, problems) = Settings::load(inputs, std::slice::from_ref(&section));
        assert!(problems.is_empty(), "{problems:?}");
        settings.read(&section).unwrap()
    }

    #[test]
    fn the_defaults_are_those_of_the_service_without_the_framework() {
        let (config, options) = (read(Inputs::default()), Options::default());
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.layers, options.layers);
        assert_eq!(config.compression, options.compression);
        assert_eq!(config.cors, options.cors);
        assert_eq!(config.csrf, options.csrf);
        assert_eq!(config.rate_limit, options.rate_limit);
        assert_eq!(config.trusted_proxies, options.trusted_proxies);
        assert_eq!(config.request_timeout, options.request_timeout);
        assert_eq!(config.body_limit, options.body_limit);
        assert_eq!(config.limits(), Limits { max_body_bytes: usize::MAX, ..Limits::default() });
    }

    #[test]
    fn http2_can_be_turned_off_and_its_pings_too() {
        let config = read(Inputs::of_variables([("HTTP_HTTP2_ENABLED", "false")]));
        assert_eq!(config.limits().http2, None);
        let config = read(Inputs::of_variables([("HTTP_HTTP2_KEEP_ALIVE_INTERVAL", "0s")]));
        assert_eq!(config.limits().http2.unwrap().keep_alive_interval, None);
    }

    #[test]
    fn there_is_an_accept_loop_for_each_core_unless_said_otherwise() {
        let loops = read(Inputs::default()).listening().accept_loops;
        assert!((1..=MOST_LOOPS).contains(&loops), "{loops}");
        let config = read(Inputs::of_variables([("HTTP_ACCEPT_LOOPS", "20")]));
        assert_eq!(config.listening().accept_loops, 20);
    }

    #[test]
    fn a_port_alone_is_an_address() {
        for name in ["HTTP_LISTEN", "HTTP_PORT"] {
            let config = read(Inputs::of_variables([(name, "9090")]));
            assert_eq!(config.listen.addr().port(), 9090, "{name}");
        }
        let config = read(Inputs::of_variables([("HTTP_LAYERS_ACCESS_LOG", "false")]));
        assert!(!config.layers.access_log && config.layers.metrics);
    }
}
