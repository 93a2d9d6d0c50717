use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// What became of the spans, of the log records, or of the reports of metrics of an application.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    /// Between the queue and the answer of the collector.
    waiting: AtomicUsize,
    delivered: AtomicU64,
    /// Found no room in the queue.
    crowded_out: AtomicU64,
    /// Were in a batch that the collector did not take.
    refused: AtomicU64,
    /// Were still waiting when the time for the flush was over.
    left: AtomicU64,
    /// Exports that failed.
    failures: AtomicU64,
    /// The flush is over.
    closed: AtomicBool,
}

/// Why something never reached the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    CrowdedOut,
    Refused,
    Left,
}

// === impl Delivery ===

impl Delivery {
    /// Takes a place among the `places` of the queue, or counts the loss. After the flush nothing
    /// enters, and nothing is lost.
    pub(super) fn enter(&self, places: usize) -> bool {
        if self.closed.load(Ordering::Acquire) {
            return false;
        }
        let taken = self.waiting.fetch_add(1, Ordering::AcqRel);
        if taken < places {
            return true;
        }
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        self.crowded_out.fetch_add(1, Ordering::Relaxed);
        false
    }

    /// Gives the places of a batch back, and counts it; unless the flush has given up on it, and
    /// counted it as left.
    pub(super) fn leave(&self, batch: usize, delivered: bool) -> bool {
        let waiting = |waiting: usize| waiting.checked_sub(batch);
        if self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, waiting).is_err() {
            return false;
        }
        let count = if delivered { &self.delivered } else { &self.refused };
        count.fetch_add(batch as u64, Ordering::Relaxed);
        if !delivered {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    /// Gives up on what still waits, and on no fewer than `least`.
    pub(super) fn close(&self, least: u64) {
        self.closed.store(true, Ordering::Release);
        let left = self.waiting.swap(0, Ordering::AcqRel);
        self.left.fetch_add(least.max(left as u64), Ordering::Relaxed);
    }

    pub(super) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(super) fn of(&self, loss: Loss) -> u64 {
        let count = match loss {
            Loss::CrowdedOut => &self.crowded_out,
            Loss::Refused => &self.refused,
            Loss::Left => &self.left,
        };
        count.load(Ordering::Relaxed)
    }

    /// How much was lost, for whatever reason.
    pub(super) fn lost(&self) -> u64 {
        Loss::ALL.into_iter().map(|loss| self.of(loss)).sum()
    }
}

// === impl Loss ===

impl Loss {
    pub(super) const ALL: [Self; 3] = [Self::CrowdedOut, Self::Refused, Self::Left];

    /// The value of the label `reason`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::CrowdedOut => "queue_full",
            Self::Refused => "export_failed",
            Self::Left => "stopped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_span_is_delivered_or_counted_under_one_reason() {
        let delivery = Delivery::default();
        let entered = (0..10).filter(|_| delivery.enter(6)).count();
        assert_eq!((entered, delivery.of(Loss::CrowdedOut)), (6, 4));
        assert!(delivery.leave(2, true) && delivery.leave(3, false));
        assert!(delivery.enter(6));
        delivery.close(0);
        assert!(!delivery.enter(6) && !delivery.leave(2, true) && !delivery.leave(2, false));
        assert_eq!(delivery.lost(), 4 + 3 + 2);
        assert_eq!((delivery.delivered(), delivery.failures()), (2, 1));
        assert_eq!((delivery.of(Loss::Refused), delivery.of(Loss::Left)), (3, 2));
    }

    #[test]
    fn what_was_not_even_begun_is_counted() {
        let delivery = Delivery::default();
        delivery.close(1);
        assert_eq!(delivery.of(Loss::Left), 1);
    }
}
