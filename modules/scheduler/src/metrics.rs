//! Metrics.

use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram, UpDownCounter};
use purlin::meter::{Meter, label};

use crate::run::JobRun;

purlin::metrics! {
    RUNS = Counter "scheduler_runs_total" ["job", "trigger", "outcome"] "":
        "Runs that have ended.";
    DURATION = Histogram "scheduler_run_duration_seconds" ["job", "outcome"] "s":
        "How long runs took.";
    DELAY = Histogram "scheduler_delay_seconds" ["job"] "s":
        "How long after its time a scheduled run began.";
    RUNNING = UpDownCounter "scheduler_running" ["job"] "":
        "Runs that go on.";
    SKIPPED = Counter "scheduler_skipped_total" ["job", "reason"] "":
        "Runs that were not started.";
    RETRIES = Counter "scheduler_retries_total" ["job"] "":
        "Further attempts after a failure.";
    STORE_ERRORS = Counter "scheduler_store_errors_total" ["operation"] "":
        "Calls of the store of marks and history that failed.";
}

/// The instruments of one scheduler.
#[derive(Debug)]
pub(crate) struct Instruments {
    runs: Counter<u64>,
    duration: Histogram<f64>,
    delay: Histogram<f64>,
    running: UpDownCounter<i64>,
    skipped: Counter<u64>,
    retries: Counter<u64>,
    store_errors: Counter<u64>,
}

// === impl Instruments ===

impl Instruments {
    pub(crate) fn new(meter: &Meter) -> Self {
        Self {
            runs: meter.counter(&RUNS),
            duration: meter.histogram(&DURATION),
            delay: meter.histogram(&DELAY),
            running: meter.up_down_counter(&RUNNING),
            skipped: meter.counter(&SKIPPED),
            retries: meter.counter(&RETRIES),
            store_errors: meter.counter(&STORE_ERRORS),
        }
    }

    pub(crate) fn delayed(&self, job: &str, delay: Duration) {
        self.delay.record(delay.as_secs_f64(), &[label("job", job.to_owned())]);
    }

    pub(crate) fn goes_on(&self, job: &str) {
        self.running.add(1, &[label("job", job.to_owned())]);
    }

    pub(crate) fn gone(&self, job: &str) {
        self.running.add(-1, &[label("job", job.to_owned())]);
    }

    pub(crate) fn ended(&self, run: &JobRun) {
        let job = || label("job", run.job.clone());
        let outcome = || label("outcome", run.outcome.name());
        self.runs.add(1, &[job(), label("trigger", run.trigger.name()), outcome()]);
        self.duration.record(run.took.as_secs_f64(), &[job(), outcome()]);
    }

    pub(crate) fn skipped(&self, job: &str, reason: &'static str, times: usize) {
        let labels = [label("job", job.to_owned()), label("reason", reason)];
        self.skipped.add(u64::try_from(times).unwrap_or(u64::MAX), &labels);
    }

    pub(crate) fn retried(&self, job: &str) {
        self.retries.add(1, &[label("job", job.to_owned())]);
    }

    pub(crate) fn store_failed(&self, operation: &'static str) {
        self.store_errors.add(1, &[label("operation", operation)]);
    }
}
