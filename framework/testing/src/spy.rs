use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use purlin_core::{clock::Clock, event::Event};
use tokio::sync::Notify;

const PATIENCE: Duration = Duration::from_secs(10);

/// Remembers every [`Event`] of an application, so that a test waits for what happens and not for
/// time to pass.
#[derive(Clone, Default)]
pub struct Spy(Arc<Inner>);

#[derive(Default)]
struct Inner {
    events: Mutex<Vec<Event>>,
    more: Notify,
}

// === impl Spy ===

impl Spy {
    /// The listener that fills this spy: `builder.on_event(spy.listener())`.
    pub fn listener(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let inner = self.0.clone();
        move |event| {
            inner.events().push(event.clone());
            inner.more.notify_waiters();
        }
    }

    /// What has happened so far, in order.
    pub fn events(&self) -> Vec<Event> {
        self.0.events().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.events().len()
    }

    /// Waits for the first event that `pick` makes something of; one that has been seen already
    /// counts.
    ///
    /// # Panics
    /// When none comes within 10 s.
    pub async fn wait_for<T>(&self, pick: impl Fn(&Event) -> Option<T>) -> T {
        let find = async {
            loop {
                let more = self.0.more.notified();
                let mut more = std::pin::pin!(more);
                // From here on nothing is missed, whatever happens during the look.
                more.as_mut().enable();
                if let Some(found) = self.0.events().iter().find_map(&pick) {
                    return found;
                }
                more.await;
            }
        };
        match Clock::system().timeout(PATIENCE, find).await {
            Ok(found) => found,
            Err(_) => panic!("no such event within {PATIENCE:?}; there were {:#?}", self.events()),
        }
    }
}

impl Inner {
    fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Spy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spy").field(&self.count()).finish()
    }
}
