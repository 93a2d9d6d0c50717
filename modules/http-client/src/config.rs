//! The section of a client.

use std::{fmt, time::Duration};

use purlin::config::{ByteSize, Config, Secret};
use purlin_resilience::GuardConfig;
use serde::Deserialize;
use url::Url;

/// How an upstream is called.
#[derive(Debug, Clone, Config)]
#[config(section = "http_client")]
pub struct HttpClientConfig {
    /// The address in front of every path: `http://payments:8080/v1`.
    pub url: Url,
    /// How long a connection may take to be made, TLS not included.
    #[config(default = "2s")]
    #[validate(range(min = "1ms", max = "10m"))]
    pub connect_timeout: Duration,
    /// The largest answer that is read into memory.
    #[config(default = "8MiB")]
    #[validate(range(min = "1B", max = "1GiB"))]
    pub max_response: ByteSize,
    /// The `User-Agent`; by default the name of the section.
    pub user_agent: Option<String>,
    /// Whether the service is unhealthy while the breaker is open.
    #[config(default = false)]
    pub health: bool,
    /// What the upstream is told of the request that is being answered: its `trace`, with the
    /// identifier of correlation; `all` of it, baggage included, for services that are trusted with
    /// what callers wrote into it; or `none`.
    #[config(default = "trace")]
    pub propagate: Propagate,
    /// How the service says who it is.
    #[config(nested)]
    pub auth: AuthConfig,
    /// The connections that are kept.
    #[config(nested)]
    pub pool: PoolConfig,
    /// Whom the client believes, and what it shows, where the address is `https`.
    #[cfg(feature = "tls")]
    #[config(nested)]
    pub tls: purlin_tls::ClientTlsConfig,
    /// Timeouts, retries, breaker and bulkhead.
    #[config(nested)]
    pub guard: GuardConfig,
}

/// What an upstream is told of the request that is being answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Propagate {
    /// Trace context, baggage and the identifier of correlation.
    All,
    /// The same without the baggage.
    #[default]
    Trace,
    /// Nothing.
    None,
}

/// How a service says who it is.
#[derive(Debug, Clone, PartialEq, Config)]
pub struct AuthConfig {
    /// What is sent: `none`, `bearer` (`secret`), `basic` (`user` and `secret`) or `api_key`
    /// (`secret`, in `header`).
    #[config(default = "none")]
    pub kind: AuthKind,
    /// The token, the password or the key.
    pub secret: Option<Secret<String>>,
    /// The user of `basic`.
    #[config(default)]
    pub user: String,
    /// The header of `api_key`.
    #[config(default = "x-api-key")]
    pub header: String,
}

/// What a service sends to say who it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthKind {
    /// Nothing.
    #[default]
    None,
    /// `Authorization: Bearer` and a token.
    Bearer,
    /// `Authorization: Basic` with user and password.
    Basic,
    /// A key in a header of its own.
    #[serde(alias = "apikey")]
    ApiKey,
}

/// The connections that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Config)]
pub struct PoolConfig {
    /// Most connections that are kept without a request; 0 keeps none.
    #[config(default = 32)]
    #[validate(range(max = 100_000))]
    pub max_idle: usize,
    /// How long a connection is kept without a request. Shorter than the upstream's own limit, a
    /// request does not meet a connection that is just being closed.
    #[config(default = "30s")]
    #[validate(range(min = "1ms", max = "24h"))]
    pub idle_timeout: Duration,
}

// === impl HttpClientConfig ===

impl HttpClientConfig {
    /// The configuration of a client of `url`, with every default.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            connect_timeout: Duration::from_secs(2),
            max_response: ByteSize::mib(8),
            user_agent: None,
            propagate: Propagate::Trace,
            auth: AuthConfig::default(),
            health: false,
            pool: PoolConfig::default(),
            #[cfg(feature = "tls")]
            tls: purlin_tls::ClientTlsConfig::default(),
            guard: GuardConfig::default(),
        }
    }
}

// === impl AuthConfig ===

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            kind: AuthKind::None,
            secret: None,
            user: String::new(),
            header: "x-api-key".to_owned(),
        }
    }
}

// === impl Propagate ===

impl fmt::Display for Propagate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Trace => "trace",
            Self::None => "none",
        })
    }
}

// === impl AuthKind ===

impl fmt::Display for AuthKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::ApiKey => "api_key",
        })
    }
}

// === impl PoolConfig ===

impl Default for PoolConfig {
    fn default() -> Self {
        Self { max_idle: 32, idle_timeout: Duration::from_secs(30) }
    }
}

#[cfg(test)]
mod tests {
    use purlin::config::{Inputs, Section, Settings};

    use super::*;

    fn read(inputs: Inputs) -> Result<HttpClientConfig, String> {
        let section = Section::of::<HttpClientConfig>("http_client", None);
        let (settings, problems) = Settings::load(inputs, std::slice::from_ref(&section));
        if !problems.is_empty() {
            return Err(format!("{problems:?}"));
        }
        settings.read(&section).map_err(|problems| format!("{problems:?}"))
    }

    #[test]
    fn the_defaults_are_the_same_with_and_without_an_application() {
        let url = "http://payments:8080/v1";
        let read = read(Inputs::of_variables([("HTTP_CLIENT_URL", url)])).unwrap();
        let made = HttpClientConfig::new(url.parse().unwrap());
        assert_eq!(format!("{read:?}"), format!("{made:?}"));
    }

    #[test]
    fn an_upstream_has_an_address() {
        assert!(read(Inputs::default()).is_err());
    }

    #[test]
    fn a_key_can_be_sent_in_a_header_of_its_own() {
        let config = read(Inputs::of_variables([
            ("HTTP_CLIENT_URL", "http://payments"),
            ("HTTP_CLIENT_AUTH_KIND", "apikey"),
            ("HTTP_CLIENT_AUTH_SECRET", "hunter2"),
            ("HTTP_CLIENT_AUTH_HEADER", "x-token"),
        ]));
        let auth = config.unwrap().auth;
        assert_eq!((auth.kind, auth.header.as_str()), (AuthKind::ApiKey, "x-token"));
    }
}
