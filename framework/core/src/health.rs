//! Health checks, registered by modules and asked by the admin server.

use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{FutureExt as _, future::join_all};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    clock::{Clock, Instant},
    error::{Result, told},
    spawner::panic_message,
};

/// Something whose health can be asked for.
///
/// ```
/// # extern crate purlin_core as purlin;
/// use purlin::{async_trait, error::{Result, ensure}, health::{HealthCheck, Stats}};
///
/// struct Queue { length: u64 }
///
/// #[async_trait]
/// impl HealthCheck for Queue {
///     async fn check(&self) -> Result<Stats> {
///         ensure!(self.length < 10_000, "the queue is full");
///         Ok(Stats::new().with("length", self.length))
///     }
/// }
/// ```
#[async_trait]
pub trait HealthCheck: Send + Sync + 'static {
    /// Looks after itself, within 5 s (`lifecycle.health_timeout`).
    ///
    /// # Errors
    /// When it is not healthy; the text is shown on the admin port.
    async fn check(&self) -> Result<Stats>;
}

/// Figures that a health check reports, in order.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct Stats(Map<String, Value>);

/// All health checks of an application.
///
/// Checks run concurrently, each with a time limit. Callers that come while a round is under way,
/// or within a second of its end, share its result, so that many probes cost one round.
#[derive(Clone)]
pub struct HealthRegistry(Arc<Inner>);

struct Inner {
    clock: Clock,
    timeout: Duration,
    checks: Mutex<Vec<(String, Arc<dyn HealthCheck>)>>,
    round: tokio::sync::Mutex<Option<(Instant, HealthReport)>>,
}

/// The outcome of one round of all checks.
#[derive(Debug, Clone, Serialize)]
pub struct HealthReport {
    /// Whether every check passed.
    pub healthy: bool,
    /// How long the round took.
    #[serde(serialize_with = "millis")]
    pub response_time: Duration,
    /// The checks, in the order of their registration.
    pub checks: Vec<CheckReport>,
}

/// The outcome of one check.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// The name under which it was registered.
    pub name: String,
    /// Whether it passed.
    pub healthy: bool,
    /// How long it took.
    #[serde(serialize_with = "millis")]
    pub response_time: Duration,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its figures.
    pub stats: Stats,
}

const FRESH: Duration = Duration::from_secs(1);

// === impl Stats ===

impl Stats {
    /// No figures.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a figure.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// A figure by its name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

// === impl HealthRegistry ===

impl HealthRegistry {
    pub(crate) fn new(clock: Clock, timeout: Duration) -> Self {
        let (checks, round) = (Mutex::default(), tokio::sync::Mutex::new(None));
        Self(Arc::new(Inner { clock, timeout, checks, round }))
    }

    /// Adds a check.
    pub fn register(&self, name: impl Into<String>, check: Arc<dyn HealthCheck>) {
        self.checks().push((name.into(), check));
    }

    /// The report of a round that is at most a second old.
    pub async fn report(&self) -> HealthReport {
        let mut round = self.0.round.lock().await;
        if let Some((at, report)) = &*round
            && self.0.clock.now() - *at < FRESH
        {
            return report.clone();
        }
        let report = self.run().await;
        *round = Some((self.0.clock.now(), report.clone()));
        report
    }

    async fn run(&self) -> HealthReport {
        let started = self.0.clock.now();
        let checks = self.checks().clone();
        let checks = join_all(checks.into_iter().map(|(name, check)| self.one(name, check))).await;
        HealthReport {
            healthy: checks.iter().all(|check| check.healthy),
            response_time: self.0.clock.now() - started,
            checks,
        }
    }

    async fn one(&self, name: String, check: Arc<dyn HealthCheck>) -> CheckReport {
        let Inner { clock, timeout, .. } = &*self.0;
        let started = clock.now();
        let checked = AssertUnwindSafe(check.check()).catch_unwind();
        let outcome = clock.timeout(*timeout, checked).await;
        let (error, stats) = match outcome {
            Ok(Ok(Ok(stats))) => (None, stats),
            Ok(Ok(Err(error))) => (Some(told(&error)), Stats::new()),
            Ok(Err(panic)) => {
                (Some(format!("the check panicked: {}", panic_message(&*panic))), Stats::new())
            }
            Err(elapsed) => (Some(format!("the check {elapsed}")), Stats::new()),
        };
        CheckReport {
            name,
            healthy: error.is_none(),
            response_time: clock.now() - started,
            error,
            stats,
        }
    }

    /// Takes all checks out, to drop them where that may take its time.
    pub(crate) fn take_all(&self) -> Vec<(String, Arc<dyn HealthCheck>)> {
        std::mem::take(&mut *self.checks())
    }

    fn checks(&self) -> MutexGuard<'_, Vec<(String, Arc<dyn HealthCheck>)>> {
        self.0.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl crate::needs::Handle for HealthRegistry {}

impl fmt::Debug for HealthRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.checks().iter().map(|(name, _)| name.clone()).collect();
        f.debug_tuple("HealthRegistry").field(&names).finish()
    }
}

fn millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{:.1}ms", duration.as_secs_f64() * 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Counting(AtomicU32);

    #[async_trait]
    impl HealthCheck for Counting {
        async fn check(&self) -> Result<Stats> {
            Ok(Stats::new().with("calls", self.0.fetch_add(1, Ordering::Relaxed) + 1))
        }
    }

    struct Panicking;

    #[async_trait]
    impl HealthCheck for Panicking {
        async fn check(&self) -> Result<Stats> {
            panic!("no such queue")
        }
    }

    struct Hanging;

    #[async_trait]
    impl HealthCheck for Hanging {
        async fn check(&self) -> Result<Stats> {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn probes_within_a_second_share_one_round() {
        let (clock, hand) = Clock::held();
        let health = HealthRegistry::new(clock, Duration::from_secs(5));
        let check = Arc::new(Counting(AtomicU32::new(0)));
        health.register("queue", check.clone());
        let (one, other) = tokio::join!(health.report(), health.report());
        assert!(one.healthy && other.healthy);
        assert_eq!(check.0.load(Ordering::Relaxed), 1);
        hand.advance(FRESH);
        assert_eq!(health.report().await.checks[0].stats.get("calls"), Some(&2.into()));
    }

    #[tokio::test]
    async fn a_check_that_panics_is_unhealthy_and_spares_the_others() {
        let health = HealthRegistry::new(Clock::system(), Duration::from_secs(5));
        health.register("broken", Arc::new(Panicking));
        health.register("queue", Arc::new(Counting(AtomicU32::new(0))));
        let report = health.report().await;
        assert!(!report.healthy && report.checks[1].healthy);
        assert_eq!(report.checks[0].error.as_deref(), Some("the check panicked: no such queue"));
    }

    #[tokio::test]
    async fn a_check_that_hangs_is_unhealthy_after_its_time() {
        let (clock, hand) = Clock::held();
        let health = HealthRegistry::new(clock, Duration::from_secs(5));
        health.register("stuck", Arc::new(Hanging));
        let (report, ()) = tokio::join!(health.report(), async {
            hand.sleepers(1).await;
            hand.advance(Duration::from_secs(5));
        });
        assert!(!report.healthy);
        assert_eq!(report.checks[0].error.as_deref(), Some("the check timed out after 5s"));
    }
}
