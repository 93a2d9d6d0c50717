use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use purlin_core::{clock::Clock, spawner::Spawner};
use tracing_subscriber::filter::LevelFilter;

use super::{Levels, TARGET};

/// Changes the levels while the service runs.
#[derive(Clone)]
pub(crate) struct Switch(Arc<Inner>);

/// Puts levels into the subscriber.
pub(super) type Apply = Box<dyn Fn(&Levels) + Send + Sync>;

/// A change that is undone by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Temporary {
    /// When it is undone.
    pub(crate) until: SystemTime,
    /// What was there before; nothing, if the target had no level of its own.
    fallback: Option<LevelFilter>,
    /// Which of the changes of its target it is.
    change: u64,
}

/// Who waits for the end of temporary changes.
#[derive(Debug, Clone)]
pub(crate) struct Waiter {
    pub(crate) clock: Clock,
    pub(crate) spawner: Spawner,
}

struct Inner {
    configured: Levels,
    state: Mutex<State>,
    apply: Apply,
}

struct State {
    levels: Levels,
    temporary: BTreeMap<Option<String>, Temporary>,
    changes: u64,
}

// === impl Switch ===

impl Switch {
    pub(super) fn new(configured: Levels, apply: Apply) -> Self {
        let levels = configured.clone();
        let state = Mutex::new(State { levels, temporary: BTreeMap::new(), changes: 0 });
        Self(Arc::new(Inner { configured, state, apply }))
    }

    /// The levels of the configuration.
    pub(crate) fn configured(&self) -> &Levels {
        &self.0.configured
    }

    /// The levels that count now.
    pub(crate) fn current(&self) -> Levels {
        self.state().levels.clone()
    }

    /// The targets whose level is undone by itself; `None` is everything else.
    pub(crate) fn temporary(&self) -> BTreeMap<Option<String>, Temporary> {
        self.state().temporary.clone()
    }

    /// Goes back to the configuration.
    pub(crate) fn reset(&self) {
        let mut state = self.state();
        state.temporary.clear();
        state.levels = self.0.configured.clone();
        (self.0.apply)(&state.levels);
    }

    /// Sets the level of a target, or of everything else, until somebody changes it.
    pub(crate) fn set(&self, target: Option<String>, level: LevelFilter) {
        let mut state = self.state();
        state.temporary.remove(&target);
        state.levels.put(target.as_deref(), Some(level));
        (self.0.apply)(&state.levels);
    }

    /// Sets the level of a target, or of everything else, for a time.
    pub(crate) fn set_for(
        &self,
        target: Option<String>,
        level: LevelFilter,
        time: Duration,
        waiter: &Waiter,
    ) {
        let mut state = self.state();
        state.changes += 1;
        let change = state.changes;
        // Of two changes one after the other the first knows what was there before.
        let fallback = match state.temporary.get(&target) {
            Some(earlier) => earlier.fallback,
            None => state.levels.get(target.as_deref()),
        };
        let until = waiter.clock.system_now() + time;
        state.temporary.insert(target.clone(), Temporary { until, fallback, change });
        state.levels.put(target.as_deref(), Some(level));
        (self.0.apply)(&state.levels);
        drop(state);

        let (switch, Waiter { clock, spawner }) = (self.clone(), waiter.clone());
        let deadline = clock.now() + time;
        let stopping = spawner.clone();
        spawner.spawn("log levels", async move {
            tokio::select! {
                () = clock.sleep_until(deadline) => switch.expire(&target, change),
                () = stopping.stopping() => {}
            }
        });
    }

    /// Undoes a temporary change, unless the target has been changed since.
    fn expire(&self, target: &Option<String>, change: u64) {
        let mut state = self.state();
        if state.temporary.get(target).is_none_or(|it| it.change != change) {
            return;
        }
        let fallback = state.temporary.remove(target).and_then(|it| it.fallback);
        state.levels.put(target.as_deref(), fallback);
        (self.0.apply)(&state.levels);
        let now = state.levels.clone();
        drop(state);
        tracing::info!(target: TARGET, component = "telemetry", %now, "log levels fell back");
    }

    /// The lock is held while levels are applied, so that of two changes the later one counts.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Switch").field(&self.current()).finish()
    }
}
