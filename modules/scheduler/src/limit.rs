use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use purlin::clock::{Clock, Instant};

use crate::policy::Rate;

/// Spaces starts so that a [`Rate`] is never exceeded.
///
/// It remembers the last starts, as many as the rate allows: the next may come when the oldest of
/// them is a whole span ago. A token bucket would need less memory, and let through nearly twice the
/// rate across the border of two spans.
#[derive(Debug)]
pub(crate) struct Limiter {
    rate: Rate,
    starts: Mutex<VecDeque<Instant>>,
}

// === impl Limiter ===

impl Limiter {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, starts: Mutex::default() }
    }

    /// Takes the next place, and waits for its time.
    pub(crate) async fn wait(&self, clock: &Clock) {
        clock.sleep_until(self.reserve(clock.now())).await;
    }

    fn reserve(&self, now: Instant) -> Instant {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = if starts.len() < self.rate.starts { None } else { starts.pop_front() };
        let at = oldest.map_or(now, |oldest| now.max(oldest + self.rate.per));
        starts.push_back(at);
        at
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_rate_is_never_exceeded_and_never_undercut_for_nothing(
            starts in 1_usize..6,
            per in 1_u64..5_000,
            gaps in prop::collection::vec(0_u64..2_000, 1..200),
        ) {
            let per = Duration::from_millis(per);
            let limiter = Limiter::new(Rate::new(starts, per));
            let mut now = Instant::START;
            let mut given: Vec<Instant> = Vec::new();
            for gap in gaps {
                now = now + Duration::from_millis(gap);
                let at = limiter.reserve(now);
                prop_assert!(at >= now);
                if let Some(before) = given.len().checked_sub(starts) {
                    prop_assert!(at - given[before] >= per, "{} starts within {:?}", starts + 1, at - given[before]);
                    prop_assert_eq!(at, now.max(given[before] + per));
                } else {
                    prop_assert_eq!(at, now);
                }
                given.push(at);
            }
        }
    }
}
