use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use purlin::{clock::Clock, meter::Meter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{config::BulkheadConfig, error::BulkheadFull, metrics};

/// A bound on the calls that are under way, with a bounded queue in front of it.
///
/// ```
/// # extern crate purlin_core as purlin;
/// # use purlin::clock::Clock;
/// # use purlin_resilience::{Bulkhead, BulkheadConfig};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let config = BulkheadConfig { max_concurrent: 1, max_waiting: 0, ..BulkheadConfig::default() };
/// let bulkhead = Bulkhead::new("reports", &config, Clock::system());
///
/// let slot = bulkhead.acquire().await.unwrap();
/// assert!(bulkhead.acquire().await.is_err());
/// drop(slot);
/// assert!(bulkhead.acquire().await.is_ok());
/// # }
/// ```
/// Who waits is served in the order of arrival. It is a handle.
#[derive(Debug, Clone)]
pub struct Bulkhead(Arc<Inner>);

/// A place in a [`Bulkhead`]; it is given back on drop.
#[derive(Debug)]
pub struct Slot {
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct Inner {
    name: Arc<str>,
    clock: Clock,
    max_concurrent: u32,
    max_waiting: u32,
    wait: Duration,
    places: Arc<Semaphore>,
    waiting: AtomicU32,
}

/// A place in the queue.
struct Waiting<'a>(&'a AtomicU32);

// === impl Bulkhead ===

impl Bulkhead {
    /// A bulkhead that is called `name` in its errors.
    pub fn new(name: impl Into<Arc<str>>, config: &BulkheadConfig, clock: Clock) -> Self {
        let &BulkheadConfig { max_concurrent, max_waiting, wait, .. } = config;
        let max_concurrent = max_concurrent.max(1);
        let places = usize::try_from(max_concurrent).unwrap_or(usize::MAX);
        Self(Arc::new(Inner {
            name: name.into(),
            clock,
            max_concurrent,
            max_waiting,
            wait,
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            waiting: AtomicU32::new(0),
        }))
    }

    /// Takes a place, and waits for one if it must.
    ///
    /// # Errors
    /// [`BulkheadFull`] when nobody further may wait, or when there was no place in time.
    pub async fn acquire(&self) -> Result<Slot, BulkheadFull> {
        let Inner { clock, places, waiting, max_waiting, wait, .. } = &*self.0;
        if let Ok(permit) = places.clone().try_acquire_owned() {
            return Ok(Slot { _permit: permit });
        }
        let _place = Waiting::enter(waiting, *max_waiting).ok_or_else(|| self.full(None))?;
        match clock.timeout(*wait, places.clone().acquire_owned()).await {
            Ok(permit) => {
                Ok(Slot { _permit: permit.expect("the semaphore of a bulkhead is never closed") })
            }
            Err(_) => Err(self.full(Some(*wait))),
        }
    }

    /// How many calls are under way.
    pub fn active(&self) -> u32 {
        let free = u32::try_from(self.0.places.available_permits()).unwrap_or(u32::MAX);
        self.0.max_concurrent.saturating_sub(free)
    }

    /// How many calls wait for a place.
    pub fn waiting(&self) -> u32 {
        self.0.waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn observe(&self, meter: &Meter) {
        let figures: [(_, fn(&Self) -> u32); 2] = [
            (&metrics::BULKHEAD_ACTIVE, Self::active),
            (&metrics::BULKHEAD_WAITING, Self::waiting),
        ];
        for (metric, figure) in figures {
            let weak = Arc::downgrade(&self.0);
            metrics::observe(meter, metric, &self.0.name, move || {
                weak.upgrade().map(|inner| figure(&Self(inner)))
            });
        }
    }

    fn full(&self, waited: Option<Duration>) -> BulkheadFull {
        let Inner { name, max_concurrent, .. } = &*self.0;
        BulkheadFull { name: name.clone(), max_concurrent: *max_concurrent, waited }
    }
}

// === impl Waiting ===

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicU32, most: u32) -> Option<Self> {
        waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
                (now < most).then_some(now + 1)
            })
            .ok()
            .map(|_| Self(waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn bulkhead(max_concurrent: u32, max_waiting: u32) -> (Bulkhead, purlin::clock::Hand) {
        let (clock, hand) = Clock::held();
        let wait = Duration::from_secs(1);
        let config = BulkheadConfig { enabled: true, max_concurrent, max_waiting, wait };
        (Bulkhead::new("test", &config, clock), hand)
    }

    #[tokio::test]
    async fn who_waits_is_served_in_order() {
        let (bulkhead, _hand) = bulkhead(1, 2);
        let held = bulkhead.acquire().await.unwrap();
        let (first, second) = (bulkhead.acquire(), bulkhead.acquire());
        tokio::pin!(first, second);
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        assert_eq!((bulkhead.active(), bulkhead.waiting()), (1, 2));
        assert_eq!(bulkhead.acquire().await.unwrap_err().waited, None);

        drop(held);
        assert!(second.as_mut().now_or_never().is_none());
        let newcomer = bulkhead.acquire().now_or_never();
        assert!(!matches!(newcomer, Some(Ok(_))), "a newcomer overtook the queue");
        let slot = first.await.unwrap();
        drop(slot);
        drop(second.await.unwrap());
        assert_eq!((bulkhead.active(), bulkhead.waiting()), (0, 0));
    }

    #[tokio::test]
    async fn the_queue_has_a_timeout() {
        let (bulkhead, hand) = bulkhead(1, 1);
        let _held = bulkhead.acquire().await.unwrap();
        let late = async {
            hand.sleepers(1).await;
            hand.advance(Duration::from_secs(1));
        };
        let (refused, ()) = tokio::join!(bulkhead.acquire(), late);
        assert_eq!(refused.unwrap_err().waited, Some(Duration::from_secs(1)));
        assert_eq!(bulkhead.waiting(), 0);
    }

    #[tokio::test]
    async fn a_dropped_waiter_leaves_the_queue() {
        let (bulkhead, _hand) = bulkhead(1, 1);
        let held = bulkhead.acquire().await.unwrap();
        assert!(bulkhead.acquire().now_or_never().is_none());
        assert_eq!(bulkhead.waiting(), 0);
        drop(held);
        assert!(bulkhead.acquire().await.is_ok());
    }
}
