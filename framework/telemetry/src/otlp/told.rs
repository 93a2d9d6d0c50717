use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use opentelemetry_sdk::error::OTelSdkError;
use purlin_core::clock::{Clock, Instant};

use super::Signal;
use crate::log::TARGET;

/// Tells that exports fail: the first time, then once a minute, and when they work again.
#[derive(Debug)]
pub(super) struct Told {
    signal: Signal,
    endpoint: String,
    clock: Clock,
    state: Mutex<Option<Outage>>,
}

/// The exports fail.
#[derive(Debug)]
struct Outage {
    since: Instant,
    told: Instant,
    failures: u64,
}

/// The time between two lines about one outage.
const PAUSE: Duration = Duration::from_secs(60);

// === impl Told ===

impl Told {
    pub(super) fn new(signal: Signal, endpoint: String, clock: Clock) -> Self {
        Self { signal, endpoint, clock, state: Mutex::default() }
    }

    /// Notes how an export ended.
    pub(super) fn note(&self, outcome: Result<(), &OTelSdkError>) {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (signal, endpoint) = (self.signal.name(), self.endpoint.as_str());
        match (outcome, &mut *state) {
            (Ok(()), None) => {}
            (Ok(()), Some(outage)) => {
                let (failures, took) = (outage.failures, now - outage.since);
                *state = None;
                drop(state);
                tracing::info!(target: TARGET, component = "otel", signal, endpoint, failures, outage_s = took.as_secs(), "the collector takes telemetry again");
            }
            (Err(error), None) => {
                *state = Some(Outage { since: now, told: now, failures: 1 });
                drop(state);
                tracing::warn!(target: TARGET, component = "otel", signal, endpoint, %error, "the collector did not take telemetry, which is lost");
            }
            (Err(error), Some(outage)) => {
                outage.failures += 1;
                let failures = outage.failures;
                let silent = now - outage.told < PAUSE;
                if !silent {
                    outage.told = now;
                }
                drop(state);
                if !silent {
                    tracing::warn!(target: TARGET, component = "otel", signal, endpoint, %error, failures, "the collector still does not take telemetry, which is lost");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing::{Event, Subscriber, level_filters::LevelFilter};
    use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt as _, registry};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<tracing::Level>>>);

    impl<S: Subscriber> Layer<S> for Lines {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().push(*event.metadata().level());
        }
    }

    #[test]
    fn an_outage_is_told_at_once_then_once_a_minute_and_at_its_end() {
        let (clock, hand) = Clock::held();
        let told = Told::new(Signal::Traces, "http://collector".to_owned(), clock);
        let lines = Lines::default();
        let subscriber = registry().with(lines.clone().with_filter(LevelFilter::INFO));
        let _one = crate::log::tests::ONE_AT_A_TIME.blocking_lock();
        tracing::subscriber::with_default(subscriber, || {
            let error = OTelSdkError::InternalFailure("refused".to_owned());
            told.note(Ok(()));
            for _ in 0..120 {
                told.note(Err(&error));
                hand.advance(Duration::from_secs(1));
            }
            told.note(Ok(()));
            told.note(Ok(()));
        });
        use tracing::Level;
        assert_eq!(*lines.0.lock().unwrap(), [Level::WARN, Level::WARN, Level::INFO]);
    }
}
