use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::SystemTime,
};

use futures_util::FutureExt as _;
use purlin::{clock::Instant, leader::Term, trace};
use tokio::sync::SemaphorePermit;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{Engine, Lane, lane::Entry};
use crate::{
    cx::{About, JobCx},
    event::{JobEvent, Skip},
    policy::StopMode,
    run::{JobRun, Outcome, Trigger},
};

/// One run, from the moment when it has a place to its entry in the history.
pub(super) struct Performance {
    pub(super) engine: Arc<Engine>,
    pub(super) lane: Arc<Lane>,
    pub(super) start: Start,
    pub(super) term: Option<Term>,
    pub(super) stop: CancellationToken,
}

/// A run that is to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) trigger: Trigger,
    pub(super) due: SystemTime,
}

/// How the work ended, and the error.
type End = (Outcome, Option<String>);

// === impl Performance ===

impl Performance {
    pub(super) async fn perform(self) {
        let Self { engine, lane, start, .. } = &self;
        let _place = tokio::select! {
            biased;
            () = self.stop.cancelled() => return engine.skipped(lane, Skip::Stopped, 1),
            place = self.wait() => place,
        };

        let (began, started) = (engine.clock.now(), engine.clock.system_now());
        let about = Arc::new(About {
            job: lane.job.name.clone(),
            run: engine.entropy.uuid_v7(&engine.clock),
            trigger: start.trigger,
            due: start.due,
            term: self.term.clone(),
            stop: self.stop.clone(),
            clock: engine.clock.clone(),
        });
        let _gauge = Gauge::up(engine, lane);
        let entry = lane.running(about.run, start.trigger, started);
        self.announce(&about, started);
        let span = tracing::info_span!(
            "job",
            otel.name = format_args!("job {}", about.job),
            job = &*about.job,
            run = %about.run,
            trigger = start.trigger.name(),
        );
        let attempts = AtomicU32::new(0);
        let (outcome, error) = self.work(&about, began, &attempts).instrument(span.clone()).await;
        let run = JobRun {
            id: about.run,
            job: about.job.to_string(),
            trigger: start.trigger,
            due: start.due,
            started,
            took: engine.clock.now() - began,
            attempts: attempts.into_inner(),
            outcome,
            error,
            token: about.term.as_ref().map(Term::token),
        };
        span.in_scope(|| {
            log(&run);
            if run.outcome != Outcome::Succeeded {
                trace::fail(words(run.outcome));
            }
        });
        self.record(run, entry).await;
    }

    /// Waits for the jitter, a place among the runs of all jobs, and the rates: last, so that starts
    /// that were spaced out are not bunched again.
    async fn wait(&self) -> Option<SemaphorePermit<'_>> {
        let Self { engine, lane, start, .. } = self;
        let jitter = lane.job.terms.jitter;
        if start.trigger == Trigger::Schedule && !jitter.is_zero() {
            engine.clock.sleep(jitter.mul_f64(engine.entropy.fraction())).await;
        }
        let place = match &engine.places {
            Some(places) => places.acquire().await.ok(),
            None => None,
        };
        for limiter in lane.limiter.iter().chain(&engine.limiter) {
            limiter.wait(&engine.clock).await;
        }
        place
    }

    fn announce(&self, about: &About, started: SystemTime) {
        if about.trigger == Trigger::Schedule {
            let delay = started.duration_since(about.due).unwrap_or_default();
            self.engine.instruments.delayed(&about.job, delay);
        }
        self.engine.listeners.emit(&JobEvent::Started {
            job: about.job.to_string(),
            run: about.run,
            trigger: about.trigger,
            due: about.due,
        });
    }

    /// The work, until it has ended or may not go on.
    async fn work(&self, about: &Arc<About>, began: Instant, attempts: &AtomicU32) -> End {
        let (clock, terms) = (&self.engine.clock, &self.lane.job.terms);
        let stopped = async {
            match terms.stop_mode {
                StopMode::Immediate => self.stop.cancelled().await,
                StopMode::Graceful => std::future::pending().await,
            }
        };
        let deadline = async {
            match terms.deadline {
                Some(deadline) => {
                    clock.sleep_until(began + deadline).await;
                    deadline
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stopped => (Outcome::Stopped, None),
            limit = deadline => (Outcome::TimedOut, Some(format!("not done within {limit:?}"))),
            // Last: work that is always ready leaves nothing of its task's budget to what is polled
            // behind it.
            end = self.attempts(about, attempts) => end,
        }
    }

    async fn attempts(&self, about: &Arc<About>, attempts: &AtomicU32) -> End {
        let Self { engine, lane, stop, .. } = self;
        let retry = lane.job.terms.retry;
        loop {
            let attempt = attempts.fetch_add(1, Ordering::Relaxed) + 1;
            let cx = JobCx { about: about.clone(), attempt };
            let work = AssertUnwindSafe(async { (lane.job.work)(cx).await });
            let error = match work.catch_unwind().await {
                Ok(Ok(())) => return (Outcome::Succeeded, None),
                Ok(Err(error)) => format!("{error:#}"),
                Err(panic) => return (Outcome::Panicked, Some(message(&*panic))),
            };
            if attempt > retry.times || stop.is_cancelled() {
                return (Outcome::Failed, Some(error));
            }
            let again = engine.clock.now() + retry.pause(attempt, &engine.entropy);
            engine.instruments.retried(&about.job);
            engine.listeners.emit(&JobEvent::Retrying {
                job: about.job.to_string(),
                run: about.run,
                attempt,
                error: error.clone(),
            });
            tokio::select! {
                () = stop.cancelled() => return (Outcome::Failed, Some(error)),
                () = engine.clock.sleep_until(again) => {}
            }
        }
    }

    async fn record(&self, run: JobRun, entry: Entry) {
        let engine = &self.engine;
        engine.instruments.ended(&run);
        engine.ask("record", engine.store.record(&run, engine.history)).await;
        drop(entry);
        engine.listeners.emit(&JobEvent::Ended(run));
    }
}

fn log(run: &JobRun) {
    let JobRun { job, took, attempts, outcome, error, .. } = run;
    match error {
        Some(error) => tracing::error!(job, ?took, attempts, error, "the job {}", words(*outcome)),
        None => tracing::debug!(job, ?took, attempts, "the job {}", words(*outcome)),
    }
}

fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "has succeeded",
        Outcome::Failed => "has failed",
        Outcome::Panicked => "has panicked",
        Outcome::TimedOut => "was given up at its deadline",
        Outcome::Stopped => "was stopped",
    }
}

/// The message of a panic, as the standard hook shows it.
fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// Counts a run as long as it goes on, also when it is aborted.
struct Gauge<'a>(&'a Engine, &'a Lane);

// === impl Gauge ===

impl<'a> Gauge<'a> {
    fn up(engine: &'a Engine, lane: &'a Lane) -> Self {
        engine.instruments.goes_on(lane.name());
        Self(engine, lane)
    }
}

impl Drop for Gauge<'_> {
    fn drop(&mut self) {
        self.0.instruments.gone(self.1.name());
    }
}
