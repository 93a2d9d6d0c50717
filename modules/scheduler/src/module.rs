//! The module.

use std::{sync::Arc, time::Duration};

use purlin::{
    app::AppBuilder,
    clock::Clock,
    entropy::Entropy,
    error::{Context as _, Result, bail},
    init::Init,
    module::Module,
};
use tokio::sync::Semaphore;

use crate::{
    config::SchedulerConfig,
    engine::{self, Engine, Lane},
    event::Listeners,
    job::{Job, ScheduledJob},
    limit::Limiter,
    metrics::Instruments,
    page::JobsPage,
    policy::Rate,
    scheduler::Scheduler,
    store::{JobStore, MemoryJobs},
};

/// Runs the jobs of an application, and gives the [`Scheduler`].
///
/// # Lifecycle
/// It starts after everything that its jobs need. Jobs that are not leader-only run from then on;
/// the others while this instance leads `scheduler`. At stop nothing new is started, runs stop as
/// their [`StopMode`](crate::StopMode) says, and what has not ended within the grace of the stop is
/// aborted.
#[derive(Debug, Clone, Copy, Default)]
pub struct SchedulerModule;

/// Adds jobs to an application.
pub trait Jobs {
    /// Adds a job; the [`SchedulerModule`] runs it.
    #[must_use]
    #[track_caller]
    fn job(self, job: Job) -> Self;
}

/// What leader-only jobs are led under.
const LEASE: &str = "scheduler";

// === impl SchedulerModule ===

impl Module for SchedulerModule {
    const NAME: &'static str = "scheduler";
    type Config = SchedulerConfig;
    type Needs = (Clock, Entropy, Vec<Arc<ScheduledJob>>, Option<Arc<dyn JobStore>>);
    type Gives = Scheduler;

    async fn init(
        &self,
        config: SchedulerConfig,
        (clock, entropy, jobs, store): Self::Needs,
        cx: &mut Init,
    ) -> Result<Scheduler> {
        let per_second = |starts| Limiter::new(Rate::new(starts, Duration::from_secs(1)));
        let engine = Arc::new(Engine {
            lanes: lanes(jobs, &config)?,
            clock,
            entropy,
            store: store.unwrap_or_else(|| Arc::new(MemoryJobs::default())),
            instruments: Instruments::new(&cx.meter()),
            listeners: Listeners::default(),
            zone: config.zone,
            late_after: config.late_after,
            history: config.history,
            places: config.max_concurrent.map(Semaphore::new),
            limiter: config.max_starts_per_second.map(per_second),
        });
        let led = engine.lanes.iter().filter(|lane| lane.is_leader_only()).count();
        let own = engine.lanes.len() - led;
        if own > 0 {
            let engine = engine.clone();
            cx.run("jobs", move || engine::Jobs { engine: engine.clone(), leader_only: false });
        }
        if led > 0 {
            let engine = engine.clone();
            cx.run("leader's jobs", move || engine::Jobs {
                engine: engine.clone(),
                leader_only: true,
            })
            .leader_only(LEASE);
        }
        let scheduler = Scheduler(engine);
        cx.page("jobs", Arc::new(JobsPage(scheduler.clone())));
        cx.detail(detail(own, led));
        Ok(scheduler)
    }
}

fn lanes(jobs: Vec<Arc<ScheduledJob>>, config: &SchedulerConfig) -> Result<Vec<Arc<Lane>>> {
    if let Some(unknown) =
        config.jobs.keys().find(|name| jobs.iter().all(|job| *job.name != **name))
    {
        let known: Vec<_> = jobs.iter().map(|job| &*job.name).collect();
        bail!("scheduler.jobs.{unknown}: there is no such job; there are {}", known.join(", "));
    }
    let lane = |job: Arc<ScheduledJob>| {
        let name = job.name.clone();
        let settings = config.jobs.get(&*name).cloned().unwrap_or_default();
        let lane = Lane::new(job, settings).with_context(|| format!("scheduler.jobs.{name}"))?;
        Ok(Arc::new(lane))
    };
    jobs.into_iter().map(lane).collect()
}

fn detail(own: usize, led: usize) -> String {
    let jobs = |count| if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") };
    match led {
        0 => jobs(own),
        _ => format!("{}, {led} leader-only", jobs(own + led)),
    }
}

// === impl Jobs ===

impl Jobs for AppBuilder {
    fn job(self, job: Job) -> Self {
        self.member(job)
    }
}
