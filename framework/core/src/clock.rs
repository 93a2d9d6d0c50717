//! Time, injected.
//!
//! Everything in Purlin that waits or looks at the time does so through a [`Clock`], so that a test
//! can hold it and a simulation can drive it. The virtual clock is a timer heap of our own and not
//! `tokio::time::pause`: a paused tokio runtime jumps ahead whenever it is idle, which makes every
//! pool that waits for a blocking thread run into its acquire timeout.

mod hand;
mod interval;

use std::{
    fmt,
    future::Future,
    ops::{Add, Sub},
    pin::pin,
    time::{Duration, SystemTime},
};

pub use self::{hand::Hand, interval::Interval};
use crate::needs::Handle;

/// The source of time of an application.
///
/// ```
/// # use purlin_core::clock::Clock;
/// # use std::time::Duration;
/// # async fn example(clock: Clock) {
/// let started = clock.now();
/// clock.sleep(Duration::from_millis(5)).await;
/// assert!(clock.now() - started >= Duration::from_millis(5));
/// # }
/// ```
///
/// A clock is a cheap handle; all clones show the same time. It is a built-in need of every module,
/// component and runnable.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System { start: std::time::Instant },
    Held(Hand),
}

/// A moment of a [`Clock`]'s monotonic time, counted from the clock's creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(Duration);

/// The future that [`Clock::timeout`] waited for did not complete in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("timed out after {0:?}")]
pub struct Elapsed(pub Duration);

// === impl Clock ===

impl Clock {
    /// The clock of this machine.
    #[expect(clippy::disallowed_methods, reason = "this is where time enters the program")]
    pub fn system() -> Self {
        Self(Source::System { start: std::time::Instant::now() })
    }

    /// A clock that stands still until the returned [`Hand`] advances it.
    ///
    /// Its wall clock starts at 2030-01-01T00:00:00Z, so that figures in tests are stable. An
    /// application on it waits for the hand in its start, too, where an `init` sleeps.
    pub fn held() -> (Self, Hand) {
        let hand = Hand::new();
        (Self(Source::Held(hand.clone())), hand)
    }

    /// The monotonic time, for durations and deadlines.
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::System { start } => Instant(start.elapsed()),
            Source::Held(hand) => hand.now(),
        }
    }

    /// The wall clock, for time stamps. It may jump in both directions.
    #[expect(clippy::disallowed_methods, reason = "this is where time enters the program")]
    pub fn system_now(&self) -> SystemTime {
        match &self.0 {
            Source::System { .. } => SystemTime::now(),
            Source::Held(hand) => hand.system_now(),
        }
    }

    /// Waits for `duration`.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now() + duration).await;
    }

    /// Waits until `deadline`; returns at once when it has passed.
    #[expect(clippy::disallowed_methods, reason = "this is where time enters the program")]
    pub async fn sleep_until(&self, deadline: Instant) {
        // No timer, so that a hand which goes from deadline to deadline does not go there.
        if deadline == Instant::NEVER {
            return std::future::pending().await;
        }
        match &self.0 {
            Source::System { start } => match start.checked_add(deadline.0) {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            },
            Source::Held(hand) => hand.sleep_until(deadline).await,
        }
    }

    /// Waits for `future`, at most for `limit`.
    ///
    /// # Errors
    /// [`Elapsed`] when `limit` passed first; the future is dropped then.
    pub async fn timeout<F: Future>(
        &self,
        limit: Duration,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        let mut future = pin!(future);
        tokio::select! {
            biased;
            output = &mut future => Ok(output),
            // A future that uses up the budget of its task in each poll leaves none for a timer.
            () = tokio::task::unconstrained(self.sleep(limit)) => Err(Elapsed(limit)),
        }
    }

    /// Ticks every `period`, for the first time after one period. Ticks that were missed are
    /// skipped, not made up for.
    ///
    /// # Panics
    /// When `period` is zero.
    pub fn interval(&self, period: Duration) -> Interval {
        Interval::new(self.clone(), period)
    }
}

impl Handle for Clock {}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System { .. } => "Clock(system)",
            Source::Held(_) => "Clock(held)",
        })
    }
}

// === impl Instant ===

impl Instant {
    /// The moment at which the clock was created.
    pub const START: Self = Self(Duration::ZERO);
    /// A moment that never comes.
    pub const NEVER: Self = Self(Duration::MAX);

    /// The time from `earlier` to this moment; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(rhs))
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, rhs: Self) -> Duration {
        self.since(rhs)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_held_clock_stands_still_until_it_is_advanced() {
        let (clock, hand) = Clock::held();
        let woken = AtomicU32::new(0);
        let sleeper = async {
            clock.sleep(Duration::from_secs(2)).await;
            woken.fetch_add(1, Ordering::Relaxed);
        };
        let driver = async {
            hand.sleepers(1).await;
            hand.advance(Duration::from_millis(1999));
            tokio::task::yield_now().await;
            assert_eq!(woken.load(Ordering::Relaxed), 0);
            hand.advance(Duration::from_millis(1));
        };
        tokio::join!(sleeper, driver);
        assert_eq!(woken.load(Ordering::Relaxed), 1);
        assert_eq!(clock.now(), Instant::START + Duration::from_secs(2));
    }

    #[tokio::test]
    async fn a_timeout_drops_what_it_waited_for() {
        let (clock, hand) = Clock::held();
        let waits = clock.timeout(Duration::from_secs(1), std::future::pending::<()>());
        let driver = async {
            hand.sleepers(1).await;
            hand.advance(Duration::from_secs(1));
        };
        let (outcome, ()) = tokio::join!(waits, driver);
        assert_eq!(outcome, Err(Elapsed(Duration::from_secs(1))));
    }

    #[tokio::test]
    async fn a_timeout_ends_what_leaves_no_budget() {
        let busy = async {
            loop {
                tokio::task::consume_budget().await;
            }
        };
        let limit = Duration::from_millis(20);
        assert_eq!(Clock::system().timeout(limit, busy).await, Err::<(), _>(Elapsed(limit)));
    }

    #[tokio::test]
    async fn a_wall_clock_step_moves_no_deadline() {
        let (clock, hand) = Clock::held();
        let before = clock.system_now();
        hand.step(-3600);
        assert_eq!(clock.system_now(), before - Duration::from_secs(3600));
        assert_eq!(clock.now(), Instant::START);
    }

    #[tokio::test]
    async fn missed_ticks_are_skipped() {
        let (clock, hand) = Clock::held();
        let mut ticks = clock.interval(Duration::from_secs(1));
        hand.advance(Duration::from_millis(3500));
        ticks.tick().await;
        let next = async { ticks.tick().await };
        let driver = async {
            hand.sleepers(1).await;
            hand.advance(Duration::from_millis(500));
        };
        let (at, ()) = tokio::join!(next, driver);
        assert_eq!(at, Instant::START + Duration::from_secs(4));
    }

    #[tokio::test]
    async fn a_moment_that_never_comes_has_no_timer() {
        let (clock, hand) = Clock::held();
        let never = clock.sleep_until(Instant::NEVER);
        tokio::select! {
            biased;
            () = never => panic!("it came"),
            () = async { assert_eq!(hand.advance_to_next(), None) } => {}
        }
    }
}
