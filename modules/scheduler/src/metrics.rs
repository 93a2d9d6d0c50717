//! Metrics.

use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram, UpDownCounter};
use purlin::meter::{Kind, Meter, Metric, label};

use crate::run::JobRun;

/// All metrics of this crate.
pub const ALL: &[Metric] = &[RUNS, DURATION, DELAY, RUNNING, SKIPPED, RETRIES, STORE_ERRORS];

/// Runs that have ended.
pub const RUNS: Metric = Metric {
    name: "scheduler_runs_total",
    help: "Runs that have ended.",
    kind: Kind::Counter,
    unit: "",
    labels: &["job", "trigger", "outcome"],
};

/// How long runs took.
pub const DURATION: Metric = Metric {
    name: "scheduler_run_duration_seconds",
    help: "How long runs took.",
    kind: Kind::Histogram,
    unit: "s",
    labels: &["job", "outcome"],
};

/// How long after its time a scheduled run began.
pub const DELAY: Metric = Metric {
    name: "scheduler_delay_seconds",
    help: "How long after its time a scheduled run began.",
    kind: Kind::Histogram,
    unit: "s",
    labels: &["job"],
};

/// Runs that go on.
pub const RUNNING: Metric = Metric {
    name: "scheduler_running",
    help: "Runs that go on.",
    kind: Kind::UpDownCounter,
    unit: "",
    labels: &["job"],
};

/// Runs that were not started.
pub const SKIPPED: Metric = Metric {
    name: "scheduler_skipped_total",
    help: "Runs that were not started.",
    kind: Kind::Counter,
    unit: "",
    labels: &["job", "reason"],
};

/// Further attempts after a failure.
pub const RETRIES: Metric = Metric {
    name: "scheduler_retries_total",
    help: "Further attempts after a failure.",
    kind: Kind::Counter,
    unit: "",
    labels: &["job"],
};

/// Calls of the store that failed.
pub const STORE_ERRORS: Metric = Metric {
    name: "scheduler_store_errors_total",
    help: "Calls of the store of marks and history that failed.",
    kind: Kind::Counter,
    unit: "",
    labels: &["operation"],
};

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
