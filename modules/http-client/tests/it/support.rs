#![expect(clippy::unwrap_used, reason = "a fixture of tests fails by panicking")]

use std::time::Duration;

use purlin::clock::Clock;
use purlin_http_client::{HttpClient, HttpClientConfig};

/// A client without pauses, and without parts of the guard that a test does not ask for.
pub(crate) fn config(url: &str) -> HttpClientConfig {
    let mut config = HttpClientConfig::new(url.parse().unwrap());
    config.guard.retry.base = Duration::ZERO;
    config.guard.retry.budget.enabled = false;
    config.guard.breaker.enabled = false;
    config
}

pub(crate) fn client(config: &HttpClientConfig) -> HttpClient {
    client_on(config, Clock::system())
}

pub(crate) fn client_on(config: &HttpClientConfig, clock: Clock) -> HttpClient {
    HttpClient::builder("bank").clock(clock).build(config).unwrap()
}
