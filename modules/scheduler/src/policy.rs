//! What is to be done when things do not go smoothly.

use std::time::Duration;

use purlin::entropy::Entropy;

/// How a run is stopped, when the application stops or leadership ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StopMode {
    /// It is given up at its next `await`. The default.
    #[default]
    Immediate,
    /// It may finish what it does, within its deadline and the grace of the stop. It sees the stop
    /// in [`JobCx::stopping`](crate::JobCx::stopping).
    Graceful,
}

/// What happens when a run is due while earlier ones of the same job still go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overlap {
    /// It is skipped. The default.
    #[default]
    Skip,
    /// One run waits for the other to end; those that are due beside it are skipped.
    Queue,
    /// Up to so many go on at once; the others are skipped.
    Concurrent(usize),
}

/// What happens with runs whose time has passed: while the process was paused or away, or nobody
/// led.
///
/// A run counts as missed when a later one is due as well, or when it would begin later than
/// `scheduler.late_after`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Missed {
    /// They are skipped. The default.
    #[default]
    Skip,
    /// The job runs once, for the last of them.
    Once,
    /// The last of them, up to so many, run one after the other.
    All(usize),
}

/// How a run that failed is tried again.
///
/// ```
/// use std::time::Duration;
/// use purlin_scheduler::Retry;
///
/// let retry = Retry::times(3).first_after(Duration::from_secs(2));      // 2 s, 4 s, 8 s, ±20 %
/// ```
/// An error is tried again; a panic is not, for it is a fault of the program.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    pub(crate) times: u32,
    first: Duration,
    cap: Duration,
}

/// At most so many starts in any span of time, for a [job](crate::Job::rate) or for all.
///
/// ```
/// use std::time::Duration;
/// use purlin_scheduler::Rate;
///
/// let rate = Rate::new(10, Duration::from_secs(60));      // never 11 within a minute
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub(crate) starts: usize,
    pub(crate) per: Duration,
}

// === impl Retry ===

impl Retry {
    /// None: the default.
    pub const NONE: Self = Self::times(0);

    /// Up to `times` further attempts, the first after 1 s, each after twice the pause of the one
    /// before, at most a minute.
    pub const fn times(times: u32) -> Self {
        Self { times, first: Duration::from_secs(1), cap: Duration::from_secs(60) }
    }

    /// Sets the pause before the first further attempt.
    #[must_use]
    pub const fn first_after(self, first: Duration) -> Self {
        Self { first, ..self }
    }

    /// Sets the longest pause.
    #[must_use]
    pub const fn at_most_after(self, cap: Duration) -> Self {
        Self { cap, ..self }
    }

    /// The pause after attempt number `attempt` (the first is 1), varied by a fifth.
    pub(crate) fn pause(&self, attempt: u32, entropy: &Entropy) -> Duration {
        let factor = 2u32.saturating_pow(attempt.saturating_sub(1));
        entropy.jitter(self.first.saturating_mul(factor).min(self.cap), 0.2)
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::NONE
    }
}

// === impl Rate ===

impl Rate {
    /// At most `starts` in any span of `per`. At least one.
    pub const fn new(starts: usize, per: Duration) -> Self {
        Self { starts: if starts == 0 { 1 } else { starts }, per }
    }
}
