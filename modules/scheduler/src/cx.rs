use std::{fmt, sync::Arc, time::SystemTime};

use purlin::{clock::Clock, leader::Term};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::run::Trigger;

/// What a run knows of itself: the first argument of a job that asks for it.
///
/// ```
/// use purlin_scheduler::{Job, JobCx};
///
/// let job = Job::manual("reindex", |cx: JobCx| async move {
///     for page in 0..1_000 {
///         if cx.is_stopping() {
///             break;
///         }
///         tracing::info!(page, run = %cx.run(), "reindexed");
///     }
///     Ok(())
/// });
/// ```
#[derive(Clone)]
pub struct JobCx {
    pub(crate) about: Arc<About>,
    pub(crate) attempt: u32,
}

/// What all attempts of a run have in common.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) job: Arc<str>,
    pub(crate) run: Uuid,
    pub(crate) trigger: Trigger,
    pub(crate) due: SystemTime,
    pub(crate) term: Option<Term>,
    pub(crate) stop: CancellationToken,
    pub(crate) clock: Clock,
}

// === impl JobCx ===

impl JobCx {
    /// The name of the job.
    pub fn job(&self) -> &str {
        &self.about.job
    }

    /// The identifier of the run.
    pub fn run(&self) -> Uuid {
        self.about.run
    }

    /// Why it runs.
    pub fn trigger(&self) -> Trigger {
        self.about.trigger
    }

    /// When it was due. What a run computes for a time is computed for this one, not for now.
    pub fn due(&self) -> SystemTime {
        self.about.due
    }

    /// Which attempt this is; the first is 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The term of leadership with its fencing token.
    ///
    /// # Panics
    /// When the job is not [leader-only](crate::Job::leader_only).
    pub fn term(&self) -> &Term {
        self.about.term.as_ref().unwrap_or_else(|| {
            let job = self.job();
            panic!("job `{job}` asked for its term, but is not gated: add `.leader_only()`")
        })
    }

    /// Waits until the run is to stop. Only a [graceful](crate::StopMode::Graceful) job lives to see
    /// it.
    pub async fn stopping(&self) {
        self.about.stop.cancelled().await;
    }

    /// Whether the run is to stop.
    pub fn is_stopping(&self) -> bool {
        self.about.stop.is_cancelled()
    }

    /// The clock of the application.
    pub fn clock(&self) -> &Clock {
        &self.about.clock
    }
}

impl fmt::Debug for JobCx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobCx")
            .field("job", &self.about.job)
            .field("run", &self.about.run)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
