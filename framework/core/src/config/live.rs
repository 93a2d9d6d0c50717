//! A value that may change while the service runs.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use tokio::sync::watch;

/// A handle to a value that may change: each [`get`](Self::get) is one whole valid version.
///
/// ```
/// use purlin_core::config::Live;
///
/// let limit = Live::new(10);
/// let seen = limit.get();
/// limit.set(20);
/// assert_eq!((*seen, *limit.get()), (10, 20));
/// ```
///
/// Clones are cheap and show the same value. Take one version per request: two calls of `get` may
/// see two versions.
pub struct Live<T>(Arc<Shared<T>>);

struct Shared<T> {
    value: ArcSwap<T>,
    version: watch::Sender<u64>,
}

/// Tells when a [`Live`] value changed; made by [`Live::subscribe`].
pub struct Subscription<T> {
    live: Live<T>,
    version: watch::Receiver<u64>,
}

// === impl Live ===

impl<T> Live<T> {
    /// A handle to `value`.
    pub fn new(value: T) -> Self {
        Self::from(Arc::new(value))
    }

    /// The version that holds now.
    pub fn get(&self) -> Arc<T> {
        self.0.value.load_full()
    }

    /// Puts another version in place, for all clones, and wakes the subscriptions.
    pub fn set(&self, value: impl Into<Arc<T>>) {
        self.0.value.store(value.into());
        self.0.version.send_modify(|version| *version += 1);
    }

    /// Tells of every change from now on.
    pub fn subscribe(&self) -> Subscription<T> {
        Subscription { live: self.clone(), version: self.0.version.subscribe() }
    }
}

impl<T> From<Arc<T>> for Live<T> {
    fn from(value: Arc<T>) -> Self {
        Self(Arc::new(Shared { value: ArcSwap::new(value), version: watch::Sender::new(0) }))
    }
}

impl<T: Send + Sync + 'static> crate::needs::Handle for Live<T> {}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Live").field(&self.get()).finish()
    }
}

// === impl Subscription ===

impl<T> Subscription<T> {
    /// Waits for a version that this subscription has not returned, and returns it. Versions that
    /// came and went in between are skipped.
    ///
    /// Dropping the future loses no change.
    pub async fn changed(&mut self) -> Arc<T> {
        // The sender lives in `self.live`, so it cannot have gone.
        let _ = self.version.changed().await;
        self.live.get()
    }
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("version", &*self.version.borrow()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_subscription_tells_of_each_change_once() {
        let live = Live::new(1);
        let mut changes = live.clone().subscribe();
        live.set(2);
        live.set(3);
        assert_eq!(*changes.changed().await, 3);

        assert!(poll_once(changes.changed()).is_pending());
        live.set(4);
        assert_eq!(*changes.changed().await, 4);
    }

    /// Polls a future once and drops it.
    fn poll_once<F: Future>(future: F) -> std::task::Poll<F::Output> {
        let mut future = std::pin::pin!(future);
        future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    }
}
