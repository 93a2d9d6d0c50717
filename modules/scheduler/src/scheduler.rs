use std::{fmt, sync::Arc, time::SystemTime};

use purlin::{error::Result, needs::Handle};
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::{
    engine::Engine,
    event::JobEvent,
    run::{JobRun, Trigger, show},
};

/// The scheduler of an application: shows the jobs, and runs them on demand.
///
/// ```
/// # use purlin_scheduler::{Scheduler, TriggerError};
/// # async fn example(scheduler: Scheduler) -> Result<(), TriggerError> {
/// scheduler.trigger("report").await?;
/// # Ok(())
/// # }
/// ```
/// The [`SchedulerModule`](crate::SchedulerModule) gives it; it is cheap to clone.
#[derive(Clone)]
pub struct Scheduler(pub(crate) Arc<Engine>);

/// What a job does now, in this instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JobStatus {
    /// Its name.
    pub name: String,
    /// Its schedule, as it can be written in the configuration, with its time zone if it has one.
    pub schedule: String,
    /// Whether the schedule is followed.
    pub enabled: bool,
    /// Whether it runs on the leader only.
    pub leader_only: bool,
    /// Whether it is run by this instance.
    pub active: bool,
    /// When it is due next.
    #[serde(serialize_with = "rfc3339")]
    pub next: Option<SystemTime>,
    /// Runs that have not begun: they wait for others of the same job, for their jitter, or for a
    /// limit.
    pub waiting: usize,
    /// Runs that go on.
    pub running: Vec<RunningRun>,
}

/// A run that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunningRun {
    /// Its identifier.
    pub id: Uuid,
    /// Why it runs.
    pub trigger: Trigger,
    /// When its work began.
    #[serde(serialize_with = "rfc3339_always")]
    pub started: SystemTime,
}

/// What became of a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Triggered {
    /// It runs, as soon as the limits allow.
    Started,
    /// It runs when the one before has ended.
    Queued,
}

/// Why a job was not triggered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TriggerError {
    /// There is no such job.
    #[error("there is no job `{job}`{}", list(.known))]
    Unknown {
        /// What was asked for.
        job: String,
        /// The jobs that there are.
        known: Vec<String>,
    },
    /// It goes on already, and its overlap policy allows no more.
    #[error("job `{job}` goes on already")]
    Overlaps {
        /// The job.
        job: String,
    },
    /// This instance does not run it now.
    #[error("job `{job}` is not run by this instance{}", because(*.leader_only))]
    Resting {
        /// The job.
        job: String,
        /// Whether it runs on the leader only.
        leader_only: bool,
    },
}

// === impl Scheduler ===

impl Scheduler {
    /// Runs a job now, if its overlap policy allows it. Returns when that is decided, not when it
    /// has run.
    ///
    /// # Errors
    /// [`TriggerError`] when it is not run.
    pub async fn trigger(&self, job: &str) -> Result<Triggered, TriggerError> {
        let lane = self.0.lane(job).ok_or_else(|| TriggerError::Unknown {
            job: job.to_owned(),
            known: self.0.lanes.iter().map(|lane| lane.name().to_owned()).collect(),
        })?;
        lane.trigger().await
    }

    /// All jobs, in the order in which they were added.
    pub fn jobs(&self) -> Vec<JobStatus> {
        self.0.lanes.iter().map(|lane| lane.status()).collect()
    }

    /// One job.
    pub fn job(&self, name: &str) -> Option<JobStatus> {
        self.0.lane(name).map(|lane| lane.status())
    }

    /// The last runs of a job, the latest first: on all instances, where the store is shared.
    ///
    /// # Errors
    /// When the store could not answer.
    pub async fn runs(&self, job: &str, limit: usize) -> Result<Vec<JobRun>> {
        self.0.store.runs(job, limit).await
    }

    /// Calls `listener` with every event from now on. It must not block.
    pub fn listen(&self, listener: impl Fn(&JobEvent) + Send + Sync + 'static) {
        self.0.listeners.add(listener);
    }
}

impl Handle for Scheduler {}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.lanes.iter().map(|lane| lane.name()).collect();
        f.debug_tuple("Scheduler").field(&names).finish()
    }
}

fn list(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!("; there are {}", known.join(", ")) }
}

fn because(leader_only: bool) -> &'static str {
    if leader_only {
        ": ask the one that leads `scheduler`"
    } else {
        ", which is starting or stopping"
    }
}

fn rfc3339<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(show).serialize(serializer)
}

fn rfc3339_always<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&show(*time))
}
