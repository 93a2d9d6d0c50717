#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    num::NonZeroU32,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{
    clock::Clock as _, middleware::StateInformationMiddleware, state::keyed::DashMapStateStore,
};
use purlin_core::{
    async_trait,
    clock::{Clock, Instant},
};

use crate::{Decision, LimiterUnavailable, Quota, RateLimiter};

/// Limits the requests to this process, by the generic cell rate algorithm of `governor`.
///
/// # How much memory it takes
/// A key is kept as a keyed hash of 8 bytes, however long it is, and forgotten once all of its
/// quota is back. Above [`max_keys`](Self::max_keys), 100 000 by default, keys share one of 4 096
/// counters by their hash: whoever sends each request under a name of its own shares the quota of
/// few, and the memory stays what it is.
pub struct LocalLimiter {
    clock: Clock,
    max_keys: usize,
    hasher: RandomState,
    /// One for each quota. There are as many as the code and the configuration name.
    buckets: RwLock<HashMap<Quota, Arc<Bucket>>>,
}

/// The keys that share a quota.
struct Bucket {
    limiter: Governor,
    interval: Duration,
    burst: NonZeroU32,
    checks: AtomicU32,
    crowded: AtomicBool,
}

type Governor =
    governor::RateLimiter<u64, DashMapStateStore<u64>, Time, StateInformationMiddleware>;

/// The injected clock as `governor` reads it.
#[derive(Clone)]
struct Time(Clock);

/// After so many checks it is looked which keys can be forgotten.
const SWEEP_EVERY: u32 = 1024;

/// The counters that keys share when there are too many of them.
const SHARED: u64 = 4096;

// === impl LocalLimiter ===

impl LocalLimiter {
    /// A limiter on that clock.
    pub fn new(clock: Clock) -> Self {
        Self { clock, max_keys: 100_000, hasher: RandomState::new(), buckets: RwLock::default() }
    }

    /// Sets how many keys of a quota are counted one by one. Some thousand more may be kept for a
    /// moment.
    #[must_use]
    pub fn max_keys(mut self, max_keys: usize) -> Self {
        self.max_keys = max_keys;
        self
    }

    fn bucket(&self, quota: Quota) -> Arc<Bucket> {
        let known =
            self.buckets.read().unwrap_or_else(PoisonError::into_inner).get(&quota).cloned();
        known.unwrap_or_else(|| {
            let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
            let bucket = || Arc::new(Bucket::new(quota, Time(self.clock.clone())));
            buckets.entry(quota).or_insert_with(bucket).clone()
        })
    }
}

#[async_trait]
impl RateLimiter for LocalLimiter {
    async fn check(&self, key: &str, quota: Quota) -> Result<Decision, LimiterUnavailable> {
        Ok(self.bucket(quota).check(self.hasher.hash_one(key), self.max_keys))
    }

    fn keys(&self) -> Option<usize> {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        Some(buckets.values().map(|bucket| bucket.limiter.len()).sum())
    }
}

impl fmt::Debug for LocalLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalLimiter").field("keys", &self.keys()).finish_non_exhaustive()
    }
}

// === impl Bucket ===

impl Bucket {
    fn new(quota: Quota, time: Time) -> Self {
        let governed = governor::Quota::with_period(quota.interval())
            .expect("a quota has an interval")
            .allow_burst(quota.burst_size());
        Self {
            limiter: Governor::new(governed, DashMapStateStore::default(), time),
            interval: quota.interval(),
            burst: quota.burst_size(),
            checks: AtomicU32::new(0),
            crowded: AtomicBool::new(false),
        }
    }

    fn check(&self, key: u64, max_keys: usize) -> Decision {
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.sweep(max_keys);
        }
        let key = if self.crowded.load(Ordering::Relaxed) { key % SHARED } else { key };
        match self.limiter.check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Decision { remaining, reset: self.refill(remaining), retry_after: None }
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.limiter.clock().now());
                // It is over when it comes back at the very moment that it was asked for.
                let wait = wait.max(Duration::from_nanos(1));
                let reset = wait + self.refill(1);
                Decision { remaining: 0, reset, retry_after: Some(wait) }
            }
        }
    }

    fn refill(&self, remaining: u32) -> Duration {
        self.interval * self.burst.get().saturating_sub(remaining)
    }

    /// Forgets keys whose quota is all back.
    fn sweep(&self, max_keys: usize) {
        let before = self.limiter.len();
        self.limiter.retain_recent();
        let left = self.limiter.len();
        if left < before / 2 {
            self.limiter.shrink_to_fit();
        }
        self.crowded.store(left >= max_keys, Ordering::Relaxed);
    }
}

// === impl Time ===

impl governor::clock::Clock for Time {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.now() - Instant::START
    }
}
