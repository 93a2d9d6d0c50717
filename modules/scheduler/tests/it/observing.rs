//! Metrics, and a span for each run.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use purlin::error::anyhow;
use purlin_scheduler::{Job, JobEvent, Jobs as _, Retry, metrics};
use purlin_testing::TestMeter;
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
};

use crate::support::{Bench, Gate, SECOND, app, gated, nothing};

#[tokio::test]
async fn runs_are_counted_by_job_trigger_and_outcome() {
    let meter = TestMeter::new();
    let gate = Gate::new();
    let builder = app()
        .replace(Arc::new(meter.meter()))
        .supply(gate.clone())
        .job(Job::every("good", SECOND, nothing))
        .job(gated("slow"))
        .job(Job::manual("bad", || async { Err(anyhow!("no")) }).retry(Retry::times(1)));
    let bench = Bench::start(builder).await;
    for seconds in 1..=3 {
        bench.advance_running(SECOND).await;
        bench.until(|_| bench.ends("good").len() == seconds).await;
    }
    bench.scheduler.trigger("bad").await.unwrap();
    bench.until(|events| events.iter().any(|it| matches!(it, JobEvent::Retrying { .. }))).await;
    bench.hand.advance(SECOND * 2);
    bench.until(|_| bench.ends("bad").len() == 1).await;

    let value = |name: &str, labels: &[(&str, &str)]| {
        let value = meter.value(name, labels);
        value.unwrap_or_else(|| panic!("no {name} {labels:?} in\n{}", meter.text()))
    };
    let good = [("job", "good"), ("outcome", "succeeded"), ("trigger", "schedule")];
    assert!(value(metrics::RUNS.name, &good) >= 3.0);
    let bad = [("job", "bad"), ("outcome", "failed"), ("trigger", "manual")];
    assert_eq!(value(metrics::RUNS.name, &bad), 1.0);
    assert_eq!(value(metrics::RETRIES.name, &[("job", "bad")]), 1.0);
    assert_eq!(value(metrics::RUNNING.name, &[("job", "slow")]), 1.0);
    assert!(value(metrics::SKIPPED.name, &[("job", "slow"), ("reason", "overlap")]) >= 2.0);
    let count = format!("{}_count", metrics::DELAY.name);
    assert!(value(&count, &[("job", "good")]) >= 3.0);
    gate.open(1);
    assert!(bench.stop().await.is_clean());
}

/// Keeps the names of the jobs whose spans have been made.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
        if attributes.metadata().name() == "job" {
            attributes.record(&mut self.clone());
        }
    }
}

impl Visit for Spans {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "otel.name" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

#[tokio::test]
async fn a_run_has_a_span() {
    let spans = Spans::default();
    let subscriber = tracing_subscriber::registry().with(spans.clone());
    tracing::subscriber::set_global_default(subscriber).expect("no other test sets one");
    let bench = Bench::start(app().job(Job::manual("spanned", nothing))).await;
    bench.scheduler.trigger("spanned").await.unwrap();
    bench.until(|_| bench.ends("spanned").len() == 1).await;
    assert!(bench.stop().await.is_clean());
    // A copy: a panic must not take the lock along, which other tests' spans need too.
    let spans = spans.0.lock().unwrap().clone();
    assert_eq!(spans.iter().filter(|name| name.contains("job spanned")).count(), 1, "{spans:?}");
}
