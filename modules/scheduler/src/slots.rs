//! Which runs of one job may go on at once.

use std::collections::VecDeque;

use crate::policy::Overlap;

/// The places for runs of one job, and the queue before them.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    places: usize,
    queue: usize,
    active: usize,
    waiting: VecDeque<T>,
}

/// What became of a run that was offered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Offer<T> {
    /// It has a place: start it.
    Start(T),
    /// It waits for one.
    Queued,
    /// There is none.
    Refused,
}

// === impl Slots ===

impl<T> Slots<T> {
    pub(crate) fn new(overlap: Overlap) -> Self {
        let (places, queue) = match overlap {
            Overlap::Skip => (1, 0),
            Overlap::Queue => (1, 1),
            Overlap::Concurrent(places) => (places.max(1), 0),
        };
        Self { places, queue, active: 0, waiting: VecDeque::new() }
    }

    /// Offers a run. One that makes up for a missed one waits in any case: `insists`.
    pub(crate) fn offer(&mut self, run: T, insists: bool) -> Offer<T> {
        if self.active < self.places {
            self.active += 1;
            return Offer::Start(run);
        }
        if insists || self.waiting.len() < self.queue {
            self.waiting.push_back(run);
            return Offer::Queued;
        }
        Offer::Refused
    }

    /// A run has ended; returns the one that takes its place.
    pub(crate) fn ended(&mut self) -> Option<T> {
        let next = self.waiting.pop_front();
        if next.is_none() {
            self.active = self.active.saturating_sub(1);
        }
        next
    }

    /// Runs that have a place or wait for one.
    pub(crate) fn all(&self) -> usize {
        self.active + self.waiting.len()
    }

    /// Lets nobody wait any more, and returns how many did.
    pub(crate) fn clear(&mut self) -> usize {
        std::mem::take(&mut self.waiting).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_is_skipped() {
        let mut slots = Slots::new(Overlap::Skip);
        assert_eq!(slots.offer(1, false), Offer::Start(1));
        assert_eq!(slots.offer(2, false), Offer::Refused);
        assert_eq!(slots.ended(), None);
        assert_eq!(slots.offer(3, false), Offer::Start(3));
    }

    #[test]
    fn one_run_waits() {
        let mut slots = Slots::new(Overlap::Queue);
        assert_eq!(slots.offer(1, false), Offer::Start(1));
        assert_eq!(slots.offer(2, false), Offer::Queued);
        assert_eq!(slots.offer(3, false), Offer::Refused);
        assert_eq!(slots.ended(), Some(2));
        assert_eq!(slots.offer(4, false), Offer::Queued);
        assert_eq!(slots.clear(), 1);
        assert_eq!(slots.ended(), None);
    }

    #[test]
    fn so_many_go_on_at_once() {
        let mut slots = Slots::new(Overlap::Concurrent(2));
        assert_eq!(slots.offer(1, false), Offer::Start(1));
        assert_eq!(slots.offer(2, false), Offer::Start(2));
        assert_eq!(slots.offer(3, false), Offer::Refused);
        assert_eq!(slots.ended(), None);
        assert_eq!(slots.offer(4, false), Offer::Start(4));
    }

    #[test]
    fn what_was_missed_waits_whatever_the_policy() {
        let mut slots = Slots::new(Overlap::Skip);
        assert_eq!(slots.offer(1, true), Offer::Start(1));
        assert_eq!(slots.offer(2, true), Offer::Queued);
        assert_eq!(slots.offer(3, true), Offer::Queued);
        assert_eq!(slots.offer(4, false), Offer::Refused);
        assert_eq!((slots.ended(), slots.ended(), slots.ended()), (Some(2), Some(3), None));
    }
}
