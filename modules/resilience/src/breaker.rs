mod circuit;
mod shared;
mod window;
mod sync {
    pub(super) use std::sync::{Arc, Mutex, MutexGuard};
}

use std::{fmt, sync::Arc, time::Duration};

use opentelemetry::metrics::Counter;
use purlin::{
    clock::{Clock, Instant},
    entropy::Entropy,
    meter::{Meter, label},
};
use tokio::sync::watch;

pub use self::circuit::State;
use self::{
    circuit::Limits,
    shared::{Admission, Change, Shared},
};
use crate::{config::BreakerConfig, error::BreakerOpen, metrics, retry::share};

/// A circuit breaker: it stops asking an upstream that fails, and probes it until it works again.
///
/// ```
/// # extern crate purlin_core as purlin;
/// use purlin::{clock::Clock, entropy::Entropy};
/// use purlin_resilience::{Breaker, BreakerConfig, State};
///
/// let config = BreakerConfig { consecutive_failures: 2, probes: 1, ..BreakerConfig::default() };
/// let (clock, hand) = Clock::held();
/// let breaker = Breaker::new("bank", &config, clock, Entropy::seeded(1));
///
/// breaker.acquire().unwrap().failed();
/// breaker.acquire().unwrap().failed();
/// let refused = breaker.acquire().unwrap_err();
/// assert_eq!(breaker.state(), State::Open);
///
/// hand.advance(refused.retry_in);
/// let probe = breaker.acquire().unwrap();
/// assert!(breaker.acquire().is_err());            // one probe at a time, as configured
/// probe.succeeded();
/// assert_eq!(breaker.state(), State::Closed);
/// ```
/// It is a handle. All clones are one breaker.
///
/// # States
/// **Closed**, it lets everything through. It opens when the failure rate within the window reaches
/// its limit, with enough attempts to speak of a rate; or after so many failures in a row.
/// **Open**, it refuses everything for `open_for`, give or take its jitter. **Half-open**, it lets
/// through so many probes that their successes close it; one failure opens it again.
///
/// # A probe is never lost
/// A probe that is dropped gives its permit back and counts for nothing. Probes that neither return
/// nor are dropped hold others back for `open_for` at most. The outcome of what was let through
/// before the latest change of state is ignored.
///
/// Source: Michael Nygard, *Release It!*, chapter "Stability patterns".
#[derive(Clone)]
pub struct Breaker(Arc<Inner>);

/// The permission for one attempt. Tell its outcome; dropped, it counts for nothing.
#[derive(Debug)]
#[must_use = "an attempt whose outcome is not told counts for nothing"]
pub struct Permit {
    breaker: Breaker,
    admission: Admission,
}

struct Inner {
    name: Arc<str>,
    open_for: Duration,
    jitter: f64,
    clock: Clock,
    entropy: Entropy,
    shared: Arc<Shared>,
    state: watch::Sender<State>,
    transitions: Counter<u64>,
}

// === impl Breaker ===

impl Breaker {
    /// A closed breaker that is called `name` in its errors.
    pub fn new(
        name: impl Into<Arc<str>>,
        config: &BreakerConfig,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        Self::metered(name.into(), config, clock, entropy, &Meter::noop())
    }

    pub(crate) fn metered(
        name: Arc<str>,
        config: &BreakerConfig,
        clock: Clock,
        entropy: Entropy,
        meter: &Meter,
    ) -> Self {
        let limits = Limits {
            window: config.window,
            failure_rate: share(config.failure_rate),
            min_calls: config.min_calls.max(1),
            consecutive: config.consecutive_failures,
            open_for: config.open_for,
            probes: config.probes.max(1),
        };
        let breaker = Self(Arc::new(Inner {
            name,
            open_for: config.open_for,
            jitter: share(config.jitter),
            clock,
            entropy,
            shared: Arc::new(Shared::new(limits)),
            state: watch::Sender::new(State::Closed),
            transitions: meter.counter(&metrics::BREAKER_TRANSITIONS),
        }));
        breaker.observe(meter);
        breaker
    }

    /// Asks for the permission for one attempt.
    ///
    /// # Errors
    /// [`BreakerOpen`] when the upstream is taken to be down, or enough probes are under way.
    pub fn acquire(&self) -> Result<Permit, BreakerOpen> {
        let Inner { name, clock, shared, .. } = &*self.0;
        let (admission, change) = Admission::ask(shared, clock.now());
        self.changed(change);
        match admission {
            Ok(admission) => Ok(Permit { breaker: self.clone(), admission }),
            Err(retry_in) => Err(BreakerOpen { name: name.clone(), retry_in }),
        }
    }

    /// Waits until an attempt is permitted; for a worker that pauses while its upstream is down.
    ///
    /// Cancel safe: nothing is taken until it returns.
    pub async fn acquired(&self) -> Permit {
        let mut state = self.watch();
        loop {
            match self.acquire() {
                Ok(permit) => return permit,
                Err(BreakerOpen { retry_in, .. }) => {
                    // The state may change before: when the last probe that it waits for succeeds.
                    let _ = self.0.clock.timeout(retry_in, state.changed()).await;
                }
            }
        }
    }

    /// The state. An open breaker becomes half-open by the first attempt after its time.
    pub fn state(&self) -> State {
        self.0.shared.state()
    }

    /// The state and its changes. Who is slow misses those in between, never the latest.
    pub fn watch(&self) -> watch::Receiver<State> {
        self.0.state.subscribe()
    }

    fn observe(&self, meter: &Meter) {
        let weak = Arc::downgrade(&self.0.shared);
        metrics::observe(meter, &metrics::BREAKER_STATE, &self.0.name, move || {
            weak.upgrade().map(|shared| shared.state().number())
        });
    }

    fn reopens(&self, now: Instant) -> Instant {
        now + self.0.entropy.jitter(self.0.open_for, self.0.jitter)
    }

    fn changed(&self, change: Change) {
        let Some(state) = change else { return };
        let Inner { name, shared, state: watched, transitions, .. } = &*self.0;
        transitions.add(1, &[label("guard", name.clone()), label("state", state.name())]);
        match state {
            State::Open => tracing::warn!(breaker = %name, "opened: {name} is taken to be down"),
            State::HalfOpen => tracing::debug!(breaker = %name, "half-open: probing {name}"),
            State::Closed => tracing::info!(breaker = %name, "closed: {name} works again"),
        }
        // Two changes may get here in the other order; who comes last must publish the latest state.
        watched.send_modify(|watched| *watched = shared.state());
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("name", &self.0.name).field("state", &self.state()).finish()
    }
}

// === impl Permit ===

impl Permit {
    /// The upstream works.
    pub fn succeeded(self) {
        let Self { breaker, admission } = self;
        let change = admission.succeed(breaker.0.clock.now());
        breaker.changed(change);
    }

    /// The upstream is at fault.
    pub fn failed(self) {
        let Self { breaker, admission } = self;
        let now = breaker.0.clock.now();
        let change = admission.fail(now, breaker.reopens(now));
        breaker.changed(change);
    }
}

// === impl State ===

impl State {
    /// The name in snake case, as a label of metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }

    const fn number(self) -> u32 {
        match self {
            Self::Closed => 0,
            Self::HalfOpen => 1,
            Self::Open => 2,
        }
    }
}

#[cfg(test)]
mod tests;
