use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use purlin::{async_trait, error::Result};

use super::JobStore;
use crate::run::JobRun;

/// A store that is gone with its process: the default.
#[derive(Debug, Default)]
pub struct MemoryJobs(Mutex<HashMap<String, Kept>>);

#[derive(Debug, Default)]
struct Kept {
    mark: Option<SystemTime>,
    runs: VecDeque<JobRun>,
}

// === impl MemoryJobs ===

impl MemoryJobs {
    fn jobs(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl JobStore for MemoryJobs {
    async fn claim(&self, job: &str, due: SystemTime, since: SystemTime) -> Result<bool> {
        let mut jobs = self.jobs();
        let mark = &mut jobs.entry(job.to_owned()).or_default().mark;
        let free = mark.is_none_or(|mark| mark < since);
        if free {
            *mark = Some(due);
        }
        Ok(free)
    }

    async fn mark(&self, job: &str) -> Result<Option<SystemTime>> {
        Ok(self.jobs().get(job).and_then(|kept| kept.mark))
    }

    async fn record(&self, run: &JobRun, keep: usize) -> Result<()> {
        let mut jobs = self.jobs();
        let runs = &mut jobs.entry(run.job.clone()).or_default().runs;
        runs.push_front(run.clone());
        runs.truncate(keep);
        Ok(())
    }

    async fn runs(&self, job: &str, limit: usize) -> Result<Vec<JobRun>> {
        let jobs = self.jobs();
        let runs = jobs.get(job).map(|kept| kept.runs.iter().take(limit).cloned().collect());
        Ok(runs.unwrap_or_default())
    }
}
