//! The readiness barrier: whether this instance wants traffic.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::needs::Handle;

/// Whether the application wants traffic: it has started, does not stop, and every gate is open.
///
/// ```
/// # use purlin_core::readiness::Readiness;
/// # fn example(readiness: Readiness) {
/// let warm = readiness.gate("warm-up");      // closed: not ready from here on
/// // .. fill the cache ..
/// warm.ready();                              // open
/// warm.not_ready("the cache was cleared");   // closed again
/// # }
/// ```
///
/// The state has changed before a call returns. Once stopping has begun nothing makes it ready
/// again. It is a built-in need; `/readyz` answers by it.
#[derive(Clone)]
pub struct Readiness(Arc<Inner>);

/// One condition of readiness, from [`Readiness::gate`]. It stays as it is when this is dropped.
#[derive(Debug, Clone)]
pub struct Gate {
    readiness: Readiness,
    name: Arc<str>,
}

struct Inner {
    state: Mutex<State>,
    ready: watch::Sender<bool>,
    stopping: CancellationToken,
}

#[derive(Default)]
struct State {
    phase: Phase,
    closed: BTreeMap<Arc<str>, String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Starting,
    Running,
    Stopping,
}

// === impl Readiness ===

impl Readiness {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            state: Mutex::default(),
            ready: watch::Sender::new(false),
            stopping: CancellationToken::new(),
        }))
    }

    /// Adds a condition, closed at first. A second gate of one name is the same gate.
    pub fn gate(&self, name: impl Into<Arc<str>>) -> Gate {
        let gate = Gate { readiness: self.clone(), name: name.into() };
        gate.not_ready("has not opened yet");
        gate
    }

    /// Whether traffic is wanted now.
    pub fn is_ready(&self) -> bool {
        *self.0.ready.borrow()
    }

    /// Why traffic is not wanted now; empty when it is.
    pub fn reasons(&self) -> Vec<String> {
        let state = self.state();
        let phase = match state.phase {
            Phase::Starting => Some("starting".to_owned()),
            Phase::Running => None,
            Phase::Stopping => Some("stopping".to_owned()),
        };
        let gates = state.closed.iter().map(|(name, reason)| format!("{name}: {reason}"));
        phase.into_iter().chain(gates).collect()
    }

    /// Waits until traffic is wanted.
    pub async fn wait(&self) {
        let mut ready = self.0.ready.subscribe();
        // The sender lives as long as `self`, so that this cannot fail.
        let _ = ready.wait_for(|ready| *ready).await;
    }

    /// Waits until stopping has begun, and with it the drain delay: for what nobody needs any more
    /// from then on, and what should not slow the stop down.
    pub async fn until_stopping(&self) {
        self.0.stopping.cancelled().await;
    }

    /// Follows the state.
    pub fn subscribe(&self) -> watch::Receiver<bool> {
        self.0.ready.subscribe()
    }

    pub(crate) fn started(&self) {
        self.change(|state| {
            if state.phase == Phase::Starting {
                state.phase = Phase::Running;
            }
        });
    }

    pub(crate) fn stopping(&self) {
        self.change(|state| state.phase = Phase::Stopping);
        self.0.stopping.cancel();
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        // The lock is held while the watchers are told, so that they see changes in their order.
        let mut state = self.state();
        change(&mut state);
        let ready = state.phase == Phase::Running && state.closed.is_empty();
        self.0.ready.send_if_modified(|was| std::mem::replace(was, ready) != ready);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle for Readiness {}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness").field("ready", &self.is_ready()).finish_non_exhaustive()
    }
}

// === impl Gate ===

impl Gate {
    /// Opens the gate.
    pub fn ready(&self) {
        self.readiness.change(|state| {
            state.closed.remove(&self.name);
        });
    }

    /// Closes the gate, for a reason that `/readyz` shows.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.readiness.change(|state| {
            state.closed.insert(self.name.clone(), reason.into());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gate_must_be_open() {
        let readiness = Readiness::new();
        let (cache, peers) = (readiness.gate("cache"), readiness.gate("peers"));
        readiness.started();
        cache.ready();
        assert_eq!(readiness.reasons(), ["peers: has not opened yet"]);
        assert!(!readiness.is_ready());
        peers.ready();
        assert!(readiness.is_ready());
        cache.not_ready("cleared");
        assert!(!readiness.is_ready());
    }

    #[test]
    fn nothing_is_ready_again_once_stopping_has_begun() {
        let readiness = Readiness::new();
        readiness.stopping();
        readiness.started();
        readiness.gate("late").ready();
        assert!(!readiness.is_ready());
        assert_eq!(readiness.reasons(), ["stopping"]);
    }

    #[tokio::test]
    async fn stopping_is_noticed_though_it_was_not_ready() {
        let readiness = Readiness::new();
        let _closed = readiness.gate("cache");
        let waits = readiness.clone();
        let mut waiting = std::pin::pin!(waits.until_stopping());
        assert!(futures_util::poll!(&mut waiting).is_pending());
        readiness.stopping();
        waiting.await;
    }
}
