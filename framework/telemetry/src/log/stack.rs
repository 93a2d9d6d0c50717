use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::{Subscriber, subscriber::SetGlobalDefaultError};
use tracing_subscriber::{
    Layer as _, filter::Targets, layer::SubscriberExt as _, registry, reload,
};

use super::{BoxLayer, Counts, Levels, fatal::Fatal};

/// The subscriber: levels, then the loggers, the counts and what looks for fatal records. Beside
/// them, what makes traces of spans.
pub(crate) struct Stack {
    subscriber: Box<dyn Subscriber + Send + Sync>,
    levels: Switch,
}

/// Changes the levels while the service runs.
#[derive(Clone)]
pub(crate) struct Switch(Arc<Inner>);

struct Inner {
    configured: Levels,
    current: Mutex<Levels>,
    apply: Box<dyn Fn(&Levels) + Send + Sync>,
}

// === impl Stack ===

impl Stack {
    /// Calls `on_fatal` with the message of each fatal record.
    pub(crate) fn new(
        loggers: Vec<BoxLayer>,
        spans: Option<BoxLayer>,
        levels: Levels,
        counts: Counts,
        on_fatal: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        let log = loggers.and_then(counts).and_then(Fatal(on_fatal));
        let (subscriber, apply) = match spans {
            // The filter is the outermost layer, so that it is asked first, once per call site.
            None => {
                let (filter, handle) = reload::Layer::new(levels.filter());
                (boxed(registry().with(log).with(filter)), applies(handle))
            }
            // A trace is made of spans that the log does not show.
            Some(spans) => {
                let (filter, handle) = reload::Layer::new(levels.filter());
                let layers = vec![spans, log.with_filter(filter).boxed()];
                (boxed(registry().with(layers)), applies(handle))
            }
        };
        let levels = Switch(Arc::new(Inner {
            configured: levels.clone(),
            current: Mutex::new(levels),
            apply,
        }));
        Self { subscriber, levels }
    }

    /// What changes the levels.
    pub(crate) fn levels(&self) -> Switch {
        self.levels.clone()
    }

    /// Makes it the subscriber of the process, for records of `log`, too.
    ///
    /// # Errors
    /// When the process has a subscriber already.
    pub(crate) fn install(self) -> Result<(), SetGlobalDefaultError> {
        tracing::subscriber::set_global_default(self.subscriber)?;
        // A logger of `log` that is there already goes where its owner wants.
        let _ = tracing_log::LogTracer::init();
        Ok(())
    }

    /// The subscriber itself, for one thread of a test.
    #[cfg(test)]
    pub(super) fn into_subscriber(self) -> Box<dyn Subscriber + Send + Sync> {
        self.subscriber
    }
}

fn boxed(subscriber: impl Subscriber + Send + Sync + 'static) -> Box<dyn Subscriber + Send + Sync> {
    Box::new(subscriber)
}

fn applies<S: 'static>(handle: reload::Handle<Targets, S>) -> Box<dyn Fn(&Levels) + Send + Sync> {
    Box::new(move |levels| {
        // It fails once the subscriber is gone, and then nothing is logged at any level.
        let _ = handle.reload(levels.filter());
    })
}

// === impl Switch ===

impl Switch {
    /// The levels of the configuration.
    pub(crate) fn configured(&self) -> &Levels {
        &self.0.configured
    }

    /// The levels that count now.
    pub(crate) fn current(&self) -> Levels {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the levels, and returns what they are then.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Levels)) -> Levels {
        // The lock is held while they are applied, so that of two changes the later one counts.
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut current);
        (self.0.apply)(&current);
        current.clone()
    }
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Switch").field(&self.current()).finish()
    }
}
