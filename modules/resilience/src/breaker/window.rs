//! A sliding window of counts.

use std::time::Duration;

use purlin::clock::Instant;

const SLOTS: usize = 10;

/// What happened within a time that slides along in ten steps: a count is forgotten when it is
/// between nine tenths of the window and all of it old.
#[derive(Debug)]
pub(super) struct Window {
    slot: Duration,
    newest: u128,
    slots: [Counts; SLOTS],
}

/// Attempts, and how many of them failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) calls: u64,
    pub(super) failures: u64,
}

// === impl Window ===

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        let slot = (length / 10).max(Duration::from_nanos(1));
        Self { slot, newest: 0, slots: Default::default() }
    }

    /// Counts an attempt that ended `now`, and returns what the window holds.
    pub(super) fn record(&mut self, now: Instant, failed: bool) -> Counts {
        let slot = self.turn(now);
        slot.calls += 1;
        slot.failures += u64::from(failed);
        self.slots.iter().fold(Counts::default(), |sum, slot| Counts {
            calls: sum.calls + slot.calls,
            failures: sum.failures + slot.failures,
        })
    }

    /// Forgets what is too old, and returns the slot of `now`.
    fn turn(&mut self, now: Instant) -> &mut Counts {
        let index = now.since(Instant::START).as_nanos() / self.slot.as_nanos();
        let passed = index.saturating_sub(self.newest).min(SLOTS as u128);
        for step in 1..=passed {
            self.slots[at(self.newest + step)] = Counts::default();
        }
        self.newest = self.newest.max(index);
        &mut self.slots[at(self.newest)]
    }
}

fn at(index: u128) -> usize {
    usize::try_from(index % SLOTS as u128).expect("a remainder of ten is small")
}
