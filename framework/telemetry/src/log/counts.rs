use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{Layer, layer::Context};

/// How many records there were of each level.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts(Arc<[AtomicU64; 5]>);

const LEVELS: [(Level, &str); 5] = [
    (Level::ERROR, "error"),
    (Level::WARN, "warn"),
    (Level::INFO, "info"),
    (Level::DEBUG, "debug"),
    (Level::TRACE, "trace"),
];

// === impl Counts ===

impl Counts {
    pub(crate) fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        LEVELS.iter().zip(&*self.0).map(|((_, name), count)| (*name, count.load(Ordering::Relaxed)))
    }

    pub(super) fn count(&self, level: Level) {
        let at = LEVELS.iter().position(|(known, _)| *known == level);
        if let Some(count) = at.and_then(|at| self.0.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<S: Subscriber> Layer<S> for Counts {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.count(*event.metadata().level());
    }
}
