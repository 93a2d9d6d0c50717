use tracing::{Subscriber, subscriber::SetGlobalDefaultError};
use tracing_subscriber::{
    Layer as _, filter::Targets, layer::SubscriberExt as _, registry, reload,
};

use super::{
    BoxLayer, Counts, Levels,
    fatal::Fatal,
    sampling::{Sampled, Sampler},
    switch::{Apply, Switch},
};

/// The subscriber: levels, then the loggers, the counts and what looks for fatal records. Beside
/// them, what makes traces of spans.
pub(crate) struct Stack {
    subscriber: Box<dyn Subscriber + Send + Sync>,
    levels: Switch,
}

// === impl Stack ===

impl Stack {
    /// Calls `on_fatal` with the message of each fatal record.
    pub(crate) fn new(
        loggers: Vec<BoxLayer>,
        spans: Option<BoxLayer>,
        sampler: Option<Sampler>,
        levels: Levels,
        counts: Counts,
        on_fatal: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        let log = loggers.and_then(counts).and_then(Fatal(on_fatal));
        let (subscriber, apply) = match (spans, sampler) {
            // The filter is the outermost layer, so that it is asked first, once per call site.
            (None, None) => {
                let (filter, handle) = reload::Layer::new(levels.filter());
                (boxed(registry().with(log).with(filter)), applies(handle))
            }
            // A trace is made of spans that the log does not show, and of what is left out of the
            // log nothing is left out of the trace.
            (spans, sampler) => {
                let (filter, handle) = reload::Layer::new(levels.filter());
                let log = log.with_filter(Sampled { filter, sampler }).boxed();
                let layers: Vec<_> = spans.into_iter().chain([log]).collect();
                (boxed(registry().with(layers)), applies(handle))
            }
        };
        Self { subscriber, levels: Switch::new(levels, apply) }
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

fn applies<S: 'static>(handle: reload::Handle<Targets, S>) -> Apply {
    Box::new(move |levels| {
        // It fails once the subscriber is gone, and then nothing is logged at any level.
        let _ = handle.reload(levels.filter());
    })
}
