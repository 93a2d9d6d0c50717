use std::time::Duration;

use futures_util::future::join_all;
use purlin_core::leader::{Grant, LeaseStore};

/// 2020-01-01T00:00:00Z: no store's clock shows an earlier time, and so no token is smaller.
const EPOCH_MILLIS: u64 = 1_577_836_800_000;

/// What every [`LeaseStore`] does: one holder at a time, who alone renews and releases, until the
/// lease runs out; and a token that rises with each grant.
///
/// `pass` lets time pass on the store's clock: it advances a held clock, or sleeps for a store that
/// has a clock of its own. It is called for five times `ttl` in all.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use std::time::Duration;
/// # use purlin_core::{clock::Clock, entropy::Entropy, leader::LocalLeases};
/// use purlin_testing::conformance;
///
/// let (clock, hand) = Clock::held();
/// let store = LocalLeases::new(clock, Entropy::system());
/// conformance::lease_store(&store, Duration::from_secs(1), async |time| hand.advance(time)).await;
/// # });
/// ```
///
/// The leases are called `conformance-…`, and are free when it returns.
///
/// # Panics
/// When the store does something else, or fails.
pub async fn lease_store(store: &dyn LeaseStore, ttl: Duration, pass: impl AsyncFn(Duration)) {
    let trial = Trial { store, ttl, pass };
    trial.one_holder_at_a_time().await;
    trial.a_lease_is_kept_by_renewal().await;
    trial.a_lease_runs_out().await;
    trial.only_the_holder_renews_and_releases().await;
    trial.tokens_rise().await;
    trial.many_ask_and_one_gets_it().await;
}

struct Trial<'a, P> {
    store: &'a dyn LeaseStore,
    ttl: Duration,
    pass: P,
}

// === impl Trial ===

impl<P: AsyncFn(Duration)> Trial<'_, P> {
    async fn one_holder_at_a_time(&self) {
        let (one, other) = ("conformance-one", "conformance-other");
        let held = self.take(one).await;
        assert_eq!(held.name, one, "a grant has the name of its lease");
        assert_eq!(self.ask(one).await, None, "a lease that is held is granted to nobody else");
        let apart = self.take(other).await;
        self.release(held).await;
        assert_eq!(self.ask(other).await, None, "the release of a lease frees no other");
        let again = self.take(one).await;
        self.release(again).await;
        self.release(apart).await;
    }

    async fn a_lease_is_kept_by_renewal(&self) {
        let name = "conformance-kept";
        let mut grant = self.take(name).await;
        for _ in 0..2 {
            (self.pass)(self.ttl * 3 / 5).await;
            let renewed = self.renew(&grant).await.expect("a lease that is held can be renewed");
            assert_eq!(renewed.token, grant.token, "a term has one token");
            assert_eq!(renewed.name, grant.name);
            grant = renewed;
            assert_eq!(self.ask(name).await, None, "a renewed lease counts from its renewal");
        }
        self.release(grant).await;
    }

    async fn a_lease_runs_out(&self) {
        let name = "conformance-late";
        let late = self.take(name).await;
        (self.pass)(self.ttl * 6 / 5).await;
        assert_eq!(self.renew(&late).await, None, "a lease that has run out cannot be renewed");
        let next = self.take(name).await;
        assert!(next.token > late.token, "a later term has a higher token");
        assert_eq!(self.renew(&late).await, None, "who has lost a lease cannot renew it");
        self.release(late).await;
        assert_eq!(self.ask(name).await, None, "who has lost a lease cannot release it");
        assert!(self.renew(&next).await.is_some(), "the successor holds it all the while");
        self.release(next).await;
    }

    async fn only_the_holder_renews_and_releases(&self) {
        let name = "conformance-mine";
        let mine = self.take(name).await;
        let stranger = Grant { holder: format!("not {}", mine.holder), ..mine.clone() };
        assert_eq!(self.renew(&stranger).await, None, "a stranger renewed a lease");
        self.release(stranger).await;
        assert_eq!(self.ask(name).await, None, "a stranger released a lease");
        self.release(mine.clone()).await;
        assert_eq!(self.renew(&mine).await, None, "a lease that was given back was renewed");
        self.release(mine).await;
    }

    async fn tokens_rise(&self) {
        let mut last = EPOCH_MILLIS;
        for _ in 0..20 {
            let grant = self.take("conformance-token").await;
            assert!(
                grant.token > last,
                "token {} does not rise above {last}: the greater of the last one + 1 and the \
                 store's clock in milliseconds",
                grant.token
            );
            last = grant.token;
            self.release(grant).await;
        }
    }

    async fn many_ask_and_one_gets_it(&self) {
        for _ in 0..5 {
            let asked = join_all((0..16).map(|_| self.ask("conformance-crowd"))).await;
            let mut grants: Vec<_> = asked.into_iter().flatten().collect();
            assert_eq!(grants.len(), 1, "one of many gets a lease that is free: {grants:?}");
            self.release(grants.remove(0)).await;
        }
    }

    async fn take(&self, name: &str) -> Grant {
        self.ask(name)
            .await
            .unwrap_or_else(|| panic!("the lease `{name}` is free, and was refused"))
    }

    async fn ask(&self, name: &str) -> Option<Grant> {
        self.store.acquire(name, self.ttl).await.expect("the store answers")
    }

    async fn renew(&self, grant: &Grant) -> Option<Grant> {
        self.store.renew(grant, self.ttl).await.expect("the store answers")
    }

    async fn release(&self, grant: Grant) {
        self.store.release(grant).await.expect("the store answers");
    }
}
