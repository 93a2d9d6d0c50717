use std::time::Duration;

use super::{Clock, Instant};

/// A steady tick, from [`Clock::interval`].
#[derive(Debug)]
pub struct Interval {
    clock: Clock,
    period: Duration,
    next: Instant,
}

// === impl Interval ===

impl Interval {
    pub(super) fn new(clock: Clock, period: Duration) -> Self {
        assert!(!period.is_zero(), "an interval needs a period above zero");
        let next = clock.now() + period;
        Self { clock, period, next }
    }

    /// Waits for the next tick and returns the moment at which it was due.
    ///
    /// Cancel safe: a tick that nobody received is received by the next call.
    pub async fn tick(&mut self) -> Instant {
        self.clock.sleep_until(self.next).await;
        let due = self.next;
        let late = self.clock.now() - due;
        let missed = late.as_nanos() / self.period.as_nanos();
        let skip = u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1);
        self.next = due + self.period.saturating_mul(skip);
        due
    }
}
