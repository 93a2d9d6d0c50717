//! Health.

use purlin::{
    async_trait,
    error::{Result, bail},
    health::{HealthCheck, Stats},
};
use purlin_resilience::{Breaker, State};

use crate::client::HttpClient;

/// The health of an upstream, by what the breaker has seen of it. It asks nobody.
#[derive(Debug)]
pub(crate) struct UpstreamHealth(HttpClient);

// === impl UpstreamHealth ===

impl UpstreamHealth {
    pub(crate) fn new(client: HttpClient) -> Self {
        Self(client)
    }
}

#[async_trait]
impl HealthCheck for UpstreamHealth {
    async fn check(&self) -> Result<Stats> {
        if self.0.guard().breaker().map(Breaker::state) == Some(State::Open) {
            bail!("{} is taken to be down: the breaker of {} is open", self.0.url(), self.0.name());
        }
        Ok(Stats::new().with("in_flight", self.0.in_flight()))
    }
}
