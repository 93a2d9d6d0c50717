//! What all jobs of one application share.

mod drive;
mod lane;
mod perform;

use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::join_all;
use purlin::{
    async_trait,
    clock::Clock,
    entropy::Entropy,
    error::Result,
    runnable::{RunCx, Runnable},
};
use tokio::sync::Semaphore;

use self::drive::Driver;
pub(crate) use self::lane::Lane;
use crate::{
    event::{JobEvent, Listeners, Skip},
    limit::Limiter,
    metrics::Instruments,
    run::show,
    schedule::Zone,
    store::JobStore,
};

/// The jobs, and what they share.
pub(crate) struct Engine {
    pub(crate) lanes: Vec<Arc<Lane>>,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) store: Arc<dyn JobStore>,
    pub(crate) instruments: Instruments,
    pub(crate) listeners: Listeners,
    pub(crate) zone: Zone,
    pub(crate) late_after: Duration,
    pub(crate) history: usize,
    /// Places for runs, over all jobs.
    pub(crate) places: Option<Semaphore>,
    /// Starts, over all jobs.
    pub(crate) limiter: Option<Limiter>,
}

/// How long an answer of the store is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

// === impl Engine ===

impl Engine {
    pub(crate) fn lane(&self, job: &str) -> Option<&Arc<Lane>> {
        self.lanes.iter().find(|lane| lane.name() == job)
    }

    /// Asks the store. It must not hold up the jobs: when it fails, or takes long, there is no
    /// answer.
    pub(crate) async fn ask<T>(
        &self,
        operation: &'static str,
        question: impl Future<Output = Result<T>>,
    ) -> Option<T> {
        let error = match self.clock.timeout(PATIENCE, question).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => format!("{error:#}"),
            Err(elapsed) => elapsed.to_string(),
        };
        self.instruments.store_failed(operation);
        tracing::warn!(operation, error, "the store of the scheduler does not answer");
        None
    }

    /// Nobody else would notice that a clock is wrong, or was.
    pub(crate) fn mark_is_ahead(&self, lane: &Lane, mark: SystemTime) {
        let (job, shown) = (lane.name(), show(mark));
        tracing::warn!(
            job,
            mark = shown,
            "the last time that the job dealt with is in the future: the clock of this machine is \
             behind, or the one that made the mark was ahead; times of the calendar until then are \
             not run again"
        );
        self.listeners.emit(&JobEvent::MarkAhead { job: job.to_owned(), mark });
    }

    pub(crate) fn skipped(&self, lane: &Lane, reason: Skip, times: usize) {
        if times > 0 {
            self.instruments.skipped(lane.name(), reason.name(), times);
            let job = lane.name().to_owned();
            self.listeners.emit(&JobEvent::Skipped { job, reason, times });
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("lanes", &self.lanes).finish_non_exhaustive()
    }
}

/// Runs the jobs that are leader-only, or those that are not.
#[derive(Debug)]
pub(crate) struct Jobs {
    pub(crate) engine: Arc<Engine>,
    pub(crate) leader_only: bool,
}

// === impl Jobs ===

impl Jobs {
    fn lanes(&self) -> impl Iterator<Item = &Arc<Lane>> {
        self.engine.lanes.iter().filter(|lane| lane.is_leader_only() == self.leader_only)
    }
}

#[async_trait]
impl Runnable for Jobs {
    async fn run(&self, cx: RunCx) -> Result<()> {
        let term = self.leader_only.then(|| cx.term().clone());
        let drivers = self
            .lanes()
            .map(|lane| Driver::new(self.engine.clone(), lane.clone(), cx.clone(), term.clone()));
        let drivers: Vec<_> = drivers.map(Driver::drive).collect();
        cx.ready();
        join_all(drivers).await;
        Ok(())
    }
}
