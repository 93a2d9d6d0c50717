use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use uuid::Uuid;

use crate::run::{JobRun, Trigger};

/// What the scheduler does, as it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobEvent {
    /// The work of a run has begun.
    Started {
        /// The job.
        job: String,
        /// The run.
        run: Uuid,
        /// Why it runs.
        trigger: Trigger,
        /// When it was due.
        due: SystemTime,
    },
    /// An attempt has failed, and there will be another.
    Retrying {
        /// The job.
        job: String,
        /// The run.
        run: Uuid,
        /// The attempt that failed; the first is 1.
        attempt: u32,
        /// The error with its causes.
        error: String,
    },
    /// A run has ended, and is in the store.
    Ended(JobRun),
    /// Runs were not started.
    Skipped {
        /// The job.
        job: String,
        /// Why.
        reason: Skip,
        /// How many.
        times: usize,
    },
    /// The mark of a job is in the future: the clock of this machine was set back or is behind, or
    /// the one that made the mark was ahead. Runs of a steady pace go on all the same; times of the
    /// calendar until the mark are not run.
    MarkAhead {
        /// The job.
        job: String,
        /// The last time that was dealt with.
        mark: SystemTime,
    },
}

/// Why a run was not started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skip {
    /// Others of the same job go on.
    Overlap,
    /// Its time had passed.
    Missed,
    /// Another instance has dealt with it.
    Claimed,
    /// Whether another instance has dealt with it is not known: the store did not answer in time,
    /// and later had the mark.
    Unanswered,
    /// It waited when the stop began.
    Stopped,
}

/// Whoever wants to know.
#[derive(Default)]
pub(crate) struct Listeners(Mutex<Vec<Listener>>);

type Listener = Arc<dyn Fn(&JobEvent) + Send + Sync>;

// === impl Skip ===

impl Skip {
    /// The name, as metrics have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overlap => "overlap",
            Self::Missed => "missed",
            Self::Claimed => "claimed",
            Self::Unanswered => "unanswered",
            Self::Stopped => "stopped",
        }
    }
}

// === impl Listeners ===

impl Listeners {
    pub(crate) fn add(&self, listener: impl Fn(&JobEvent) + Send + Sync + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(listener));
    }

    pub(crate) fn emit(&self, event: &JobEvent) {
        let listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        listeners.iter().for_each(|listener| listener(event));
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listeners")
    }
}
