//! Health.

use std::sync::Arc;

use purlin::{
    async_trait,
    error::{Result, bail},
    health::{HealthCheck, Stats},
};

use super::remote::RemoteKeys;

/// The health of keys that are fetched: that of the latest fetch, and their age.
///
/// It asks nobody: the refresher fetches often enough.
#[derive(Debug)]
pub(super) struct KeysHealth(Arc<RemoteKeys>);

// === impl KeysHealth ===

impl KeysHealth {
    pub(super) fn new(keys: Arc<RemoteKeys>) -> Self {
        Self(keys)
    }
}

#[async_trait]
impl HealthCheck for KeysHealth {
    async fn check(&self) -> Result<Stats> {
        let (keys, age) = (self.0.len(), self.0.age().as_secs());
        if let Some(error) = self.0.attempt().error {
            let url = self.0.address();
            bail!("the keys at {url} cannot be fetched, those of {age} s ago are used: {error}");
        }
        Ok(Stats::new().with("keys", keys).with("age_seconds", age))
    }
}
