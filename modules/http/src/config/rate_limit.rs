use std::{fmt, str::FromStr, time::Duration};

use http::HeaderName;
use purlin::config::Config;
use purlin_limit::Quota;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// How many requests a caller may send.
#[derive(Debug, Clone, PartialEq, Eq, Config)]
pub struct RateLimitConfig {
    /// Whether requests are limited where a route sets no limit of its own.
    #[config(default = false)]
    pub enabled: bool,
    /// How many requests a caller may send, over all routes without a limit of their own.
    #[config(default = 100)]
    #[validate(range(min = 1, max = 1_000_000))]
    pub requests: u32,
    /// The time in which it may send them.
    #[config(default = "1s")]
    #[validate(range(min = "1ms", max = "24h"))]
    pub per: Duration,
    /// How many may come at once; as many as `requests` when not set.
    #[validate(range(min = 1, max = 1_000_000))]
    pub burst: Option<u32>,
    /// Who is one caller: client (its address), principal (who it proved to be), or header:NAME.
    #[config(default = "client")]
    pub key: RateLimitKey,
    /// What happens to requests while the limiter is not available: open lets them through, closed
    /// answers 503.
    #[config(default = "open")]
    pub when_unavailable: WhenUnavailable,
}

/// Who is one caller of a rate limit.
///
/// A request that does not have what is asked for counts as one of its address. An address of IPv6
/// counts with all others of its /64, which one subscriber has to himself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum RateLimitKey {
    /// The address of the client; see `http.trusted_proxies`.
    #[default]
    Client,
    /// The subject of the [`Principal`](crate::auth::Principal). The limit lies behind the guard of
    /// secured routes.
    Principal,
    /// The value of a header, such as an API key that a gateway has checked.
    Header(HeaderName),
}

/// What happens to requests while a limiter is not available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenUnavailable {
    /// They are let through.
    #[default]
    Open,
    /// They are answered with 503.
    Closed,
}

/// The text names no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key of a rate limit; write client, principal or header:X-Api-Key")]
pub struct NotAKey;

// === impl RateLimitConfig ===

impl RateLimitConfig {
    /// The quota of routes without one of their own.
    pub fn quota(&self) -> Option<Quota> {
        self.enabled.then(|| {
            let quota = Quota::new(self.requests, self.per);
            self.burst.map_or(quota, |burst| quota.burst(burst))
        })
    }
}

impl Default for RateLimitConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            requests: 100,
            per: Duration::from_secs(1),
            burst: None,
            key: RateLimitKey::Client,
            when_unavailable: WhenUnavailable::Open,
        }
    }
}

// === impl RateLimitKey ===

impl FromStr for RateLimitKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        match text {
            "client" => Ok(Self::Client),
            "principal" => Ok(Self::Principal),
            _ => {
                let name = text.strip_prefix("header:").ok_or(NotAKey)?;
                name.parse().map(Self::Header).map_err(|_| NotAKey)
            }
        }
    }
}

impl fmt::Display for RateLimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client => f.write_str("client"),
            Self::Principal => f.write_str("principal"),
            Self::Header(name) => write!(f, "header:{name}"),
        }
    }
}

impl<'de> Deserialize<'de> for RateLimitKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for RateLimitKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
