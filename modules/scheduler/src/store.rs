//! What outlives a process: how far each job has come, and how its runs went.

mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::time::SystemTime;

use purlin::{async_trait, error::Result};

pub use self::memory::MemoryJobs;
#[cfg(feature = "sqlite")]
pub use self::sqlite::{SqliteJobs, SqliteJobsModule};
use crate::run::JobRun;

/// A store of marks and runs. Without one in the application, [`MemoryJobs`] is used.
///
/// A module that gives `Arc<dyn JobStore>` is all that it takes to keep them elsewhere. Times are
/// kept to the millisecond. What a store that fails would have kept of the history is logged and
/// lost. Jobs do not begin before it has said where they were left, and leader-only ones wait for its
/// answer before each run; it is asked again every second. It passes `conformance::job_store` of `purlin-testing`.
#[async_trait]
pub trait JobStore: Send + Sync + 'static {
    /// Moves the mark of a job to `due`, unless it is at `since` or later: then somebody else has
    /// dealt with this time, and the answer is `false`. Atomic.
    /// `due` may be before the mark, with a `since` after it: so a mark that a wrong clock has left
    /// in the future is taken back.
    ///
    /// Replicas that share a store so run each time of a leader-only job at most once, also when
    /// one of them wakes up and believes that it still leads.
    ///
    /// # Errors
    /// When the store could not answer.
    async fn claim(&self, job: &str, due: SystemTime, since: SystemTime) -> Result<bool>;

    /// The mark of a job: the last time that was dealt with.
    ///
    /// # Errors
    /// When the store could not answer.
    async fn mark(&self, job: &str) -> Result<Option<SystemTime>>;

    /// Adds a run, and forgets all but the last `keep` of its job.
    ///
    /// # Errors
    /// When the store could not answer.
    async fn record(&self, run: &JobRun, keep: usize) -> Result<()>;

    /// The last runs of a job, the latest first.
    ///
    /// # Errors
    /// When the store could not answer.
    async fn runs(&self, job: &str, limit: usize) -> Result<Vec<JobRun>>;
}
