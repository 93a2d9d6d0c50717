//! The conformance suites pass what is right, and find each fault that they are for.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use purlin::{
    async_trait,
    clock::{Clock, Hand},
    entropy::Entropy,
    error::Result,
    leader::{Grant, LeaseStore, LocalLeases},
};
use purlin_testing::conformance;

const TTL: Duration = Duration::from_secs(10);

fn leases() -> (LocalLeases, Hand) {
    let (clock, hand) = Clock::held();
    (LocalLeases::new(clock, Entropy::seeded(1)), hand)
}

#[tokio::test]
async fn the_local_lease_store_conforms() {
    let (store, hand) = leases();
    conformance::lease_store(&store, TTL, async |time| hand.advance(time)).await;
    // All is free again.
    conformance::lease_store(&store, TTL, async |time| hand.advance(time)).await;
}

/// What is wrong with a store.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    GrantsTwice,
    ForgetsTheToken,
    TokensFromZero,
    NeverRunsOut,
    RenewsForAMoment,
    RenewsForStrangers,
    RenewsUnderAnotherToken,
    ReleasesForStrangers,
    ReleasesNothing,
}

struct Faulty {
    inner: LocalLeases,
    fault: Fault,
}

impl Faulty {
    /// Whoever asks, whoever holds it.
    fn disguised(grant: &Grant, holder: &str) -> Grant {
        Grant { holder: holder.trim_start_matches("not ").to_owned(), ..grant.clone() }
    }
}

#[async_trait]
impl LeaseStore for Faulty {
    async fn acquire(&self, name: &str, ttl: Duration) -> Result<Option<Grant>> {
        let ttl = if self.fault == Fault::NeverRunsOut { ttl * 1_000 } else { ttl };
        let mut grant = self.inner.acquire(name, ttl).await?;
        match (&mut grant, self.fault) {
            (Some(grant), Fault::ForgetsTheToken) => grant.token = 1_893_456_000_000,
            (Some(grant), Fault::TokensFromZero) => grant.token -= 1_893_456_000_000,
            (None, Fault::GrantsTwice) => {
                let (name, holder) = (name.to_owned(), "me too".to_owned());
                return Ok(Some(Grant { name, holder, token: u64::MAX }));
            }
            _ => {}
        }
        Ok(grant)
    }

    async fn renew(&self, grant: &Grant, ttl: Duration) -> Result<Option<Grant>> {
        let grant = match self.fault {
            Fault::RenewsForStrangers => Self::disguised(grant, &grant.holder),
            _ => grant.clone(),
        };
        let ttl = if self.fault == Fault::RenewsForAMoment { ttl / 2 } else { ttl };
        let mut renewed = self.inner.renew(&grant, ttl).await?;
        if let (Some(renewed), Fault::RenewsUnderAnotherToken) = (&mut renewed, self.fault) {
            renewed.token += 1;
        }
        Ok(renewed)
    }

    async fn release(&self, grant: Grant) -> Result<()> {
        match self.fault {
            Fault::ReleasesNothing => Ok(()),
            Fault::ReleasesForStrangers => {
                self.inner.release(Self::disguised(&grant, &grant.holder)).await
            }
            _ => self.inner.release(grant).await,
        }
    }
}

#[tokio::test]
async fn each_fault_of_a_lease_store_is_found() {
    for fault in [
        Fault::GrantsTwice,
        Fault::ForgetsTheToken,
        Fault::TokensFromZero,
        Fault::NeverRunsOut,
        Fault::RenewsForAMoment,
        Fault::RenewsForStrangers,
        Fault::RenewsUnderAnotherToken,
        Fault::ReleasesForStrangers,
        Fault::ReleasesNothing,
    ] {
        let (inner, hand) = leases();
        let store = Arc::new(Faulty { inner, fault });
        let trial = async move {
            conformance::lease_store(&*store, TTL, async |time| hand.advance(time)).await;
        };
        let found = std::panic::AssertUnwindSafe(trial).catch_unwind().await;
        assert!(found.is_err(), "{fault:?} was not found");
    }
}
