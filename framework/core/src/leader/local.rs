use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use super::{Grant, LeaseStore};
use crate::{
    clock::{Clock, Instant},
    config::NoConfig,
    entropy::Entropy,
    error::Result,
    init::Init,
    module::Module,
};

/// A lease store inside of one process: the embedded default.
///
/// It elects among the applications that share it, which is all there are on a laptop and in a
/// test. Its tokens start at the time of the first grant, so that they rise across restarts.
#[derive(Debug)]
pub struct LocalLeases {
    clock: Clock,
    entropy: Entropy,
    leases: Mutex<HashMap<String, Lease>>,
}

#[derive(Debug)]
struct Lease {
    holder: Option<String>,
    until: Instant,
    token: u64,
}

/// Gives [`LocalLeases`] as the lease store where no other module gives one.
#[derive(Debug, Clone, Copy)]
pub struct LocalLeasesModule;

// === impl LocalLeases ===

impl LocalLeases {
    /// A store on the given clock.
    pub fn new(clock: Clock, entropy: Entropy) -> Self {
        Self { clock, entropy, leases: Mutex::default() }
    }

    fn leases(&self) -> MutexGuard<'_, HashMap<String, Lease>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn millis(&self) -> u64 {
        let since = self.clock.system_now().duration_since(SystemTime::UNIX_EPOCH);
        u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Lease {
    fn is_held_by(&self, grant: &Grant, now: Instant) -> bool {
        now < self.until && self.holder.as_ref() == Some(&grant.holder)
    }
}

#[async_trait]
impl LeaseStore for LocalLeases {
    async fn acquire(&self, name: &str, ttl: Duration) -> Result<Option<Grant>> {
        let (now, millis) = (self.clock.now(), self.millis());
        let mut leases = self.leases();
        let lease = leases.entry(name.to_owned()).or_insert(Lease {
            holder: None,
            until: Instant::START,
            token: 0,
        });
        if lease.holder.is_some() && now < lease.until {
            return Ok(None);
        }
        let holder = self.entropy.uuid_v4().to_string();
        let token = millis.max(lease.token + 1);
        *lease = Lease { holder: Some(holder.clone()), until: now + ttl, token };
        Ok(Some(Grant { name: name.to_owned(), holder, token }))
    }

    async fn renew(&self, grant: &Grant, ttl: Duration) -> Result<Option<Grant>> {
        let now = self.clock.now();
        let mut leases = self.leases();
        let lease = leases.get_mut(&grant.name).filter(|lease| lease.is_held_by(grant, now));
        Ok(lease.map(|lease| {
            lease.until = now + ttl;
            grant.clone()
        }))
    }

    async fn release(&self, grant: Grant) -> Result<()> {
        let now = self.clock.now();
        if let Some(lease) = self.leases().get_mut(&grant.name)
            && lease.is_held_by(&grant, now)
        {
            lease.holder = None;
        }
        Ok(())
    }
}

// === impl LocalLeasesModule ===

impl Module for LocalLeasesModule {
    const NAME: &'static str = "leases";
    type Config = NoConfig;
    type Needs = (Clock, Entropy);
    type Gives = Arc<dyn LeaseStore>;

    async fn init(
        &self,
        _: NoConfig,
        (clock, entropy): Self::Needs,
        cx: &mut Init,
    ) -> Result<Self::Gives> {
        cx.detail("inside of this process");
        Ok(Arc::new(LocalLeases::new(clock, entropy)))
    }
}
