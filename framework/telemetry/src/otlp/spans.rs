//! Spans of `tracing` as spans of OpenTelemetry.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, Filter},
};

use super::{OtelConfig, text::Rule};
use crate::log::{BoxLayer, Levels};

/// Which call sites are part of traces.
struct Traced {
    targets: Targets,
    most: LevelFilter,
}

/// The spans of the engine last as long as a module or a runnable does: they say on log lines whose
/// they are, and as spans they would put all that a service ever does into one trace.
const ENGINE: &str = "purlin_core::lifecycle";

/// The layer that makes spans.
pub(super) fn layer(provider: &SdkTracerProvider, levels: &Levels) -> BoxLayer {
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("purlin"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        // Whether an operation failed is for its instrumentation to say: one that recovers from an
        // error, and logs it, has not.
        .with_error_events_to_status(false)
        .with_filter(Traced::new(levels))
        .boxed()
}

/// Which traces are kept.
pub(super) fn sampler(config: &OtelConfig) -> Sampler {
    let sampler = config.traces.sampler;
    let root = match sampler.rule {
        Rule::All => Sampler::AlwaysOn,
        Rule::None => Sampler::AlwaysOff,
        Rule::Ratio => Sampler::TraceIdRatioBased(config.traces.sampler_arg),
    };
    if sampler.by_parent { Sampler::ParentBased(Box::new(root)) } else { root }
}

// === impl Traced ===

impl Traced {
    fn new(levels: &Levels) -> Self {
        let of_targets = levels.targets().map(|(_, level)| level);
        let most = of_targets.chain([levels.default_level(), LevelFilter::ERROR]).max();
        Self { targets: levels.filter(), most: most.unwrap_or(LevelFilter::ERROR) }
    }

    /// Spans by their level; of events the errors alone, for the others are what a log is for.
    fn takes(&self, metadata: &Metadata<'_>) -> bool {
        let (target, level) = (metadata.target(), metadata.level());
        if metadata.is_span() {
            self.targets.would_enable(target, level) && !target.starts_with(ENGINE)
        } else {
            *level == tracing::Level::ERROR
        }
    }
}

impl<S: Subscriber> Filter<S> for Traced {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.takes(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.takes(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.most)
    }
}
