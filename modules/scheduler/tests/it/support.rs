use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use chrono::DateTime;
use purlin::{
    app::{App, AppBuilder},
    clock::{Clock, Hand},
    error::Result,
    exit::Exit,
};
use purlin_scheduler::{
    Job, JobCx, JobEvent, JobRun, JobStatus, Scheduler, SchedulerModule, Skip, Trigger,
};
use purlin_testing::{TestApp, eventually};
use tokio::sync::Semaphore;

/// When the held clock begins.
pub(crate) const EPOCH: &str = "2030-01-01T00:00:00Z";

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn app() -> AppBuilder {
    // In one step of the clock much time passes, and no lease may run out in it.
    App::builder().package(purlin::package!()).module(SchedulerModule).set("leader.ttl", "3650d")
}

pub(crate) fn at(text: &str) -> SystemTime {
    DateTime::parse_from_rfc3339(text).unwrap().into()
}

pub(crate) fn show(time: SystemTime) -> String {
    DateTime::<chrono::Utc>::from(time).format("%d %H:%M:%S").to_string()
}

/// An application with jobs, and what they did.
pub(crate) struct Bench {
    pub(crate) app: TestApp,
    pub(crate) scheduler: Scheduler,
    pub(crate) hand: Hand,
    clock: Clock,
    events: Arc<Mutex<Vec<JobEvent>>>,
}

impl Bench {
    pub(crate) async fn start(builder: AppBuilder) -> Self {
        Self::start_at(builder, EPOCH).await
    }

    /// Starts at a time of the wall clock.
    pub(crate) async fn start_at(builder: AppBuilder, time: &str) -> Self {
        let (clock, hand) = Clock::held();
        let ahead = |from: &str, to: &str| {
            at(to).duration_since(at(from)).map(|by| by.as_secs().cast_signed())
        };
        hand.step(ahead(EPOCH, time).unwrap_or_else(|_| -ahead(time, EPOCH).unwrap()));
        Self::start_on(builder, clock, hand).await
    }

    /// Starts on a clock that others may share.
    pub(crate) async fn start_on(builder: AppBuilder, clock: Clock, hand: Hand) -> Self {
        let app = TestApp::start(builder.clock(clock.clone())).await;
        let scheduler = app.get::<Scheduler>();
        let events = Arc::<Mutex<Vec<JobEvent>>>::default();
        let log = events.clone();
        scheduler.listen(move |event| log.lock().unwrap().push(event.clone()));
        let bench = Self { app, scheduler, hand, clock, events };
        eventually(async || bench.scheduler.jobs().iter().all(|job| job.active || job.leader_only))
            .await;
        bench
    }

    /// Waits until this instance leads, too.
    pub(crate) async fn all_active(&self) {
        eventually(async || self.scheduler.jobs().iter().all(|job| job.active)).await;
    }

    /// Moves the clock and waits until every job has seen it, and has no run to begin or to end.
    pub(crate) async fn advance(&self, by: Duration) {
        self.hand.advance(by);
        self.idle().await;
    }

    pub(crate) async fn advance_in_steps(&self, total: Duration, step: Duration) {
        for _ in 0..total.as_nanos() / step.as_nanos() {
            self.advance(step).await;
        }
    }

    /// Moves the clock and waits until every job has seen it.
    pub(crate) async fn advance_running(&self, by: Duration) {
        self.hand.advance(by);
        self.seen().await;
    }

    pub(crate) async fn idle(&self) {
        self.settled(|job| job.waiting == 0 && job.running.is_empty()).await;
    }

    pub(crate) async fn seen(&self) {
        self.settled(|_| true).await;
    }

    async fn settled(&self, and: impl Fn(&JobStatus) -> bool) {
        let deadline = Clock::system();
        let settle = async {
            let is_settled = |job: &JobStatus| {
                let has_seen = job.next.is_none_or(|next| next > self.clock.system_now());
                !job.active || (has_seen && and(job))
            };
            while !self.scheduler.jobs().iter().all(is_settled) {
                tokio::task::yield_now().await;
            }
        };
        let settled = deadline.timeout(Duration::from_secs(10), settle).await;
        settled.unwrap_or_else(|_| panic!("it does not settle: {:#?}", self.scheduler.jobs()));
    }

    pub(crate) fn events(&self) -> Vec<JobEvent> {
        self.events.lock().unwrap().clone()
    }

    pub(crate) async fn until(&self, holds: impl Fn(&[JobEvent]) -> bool) {
        eventually(async || holds(&self.events())).await;
    }

    /// What has been started: why, and for which time.
    pub(crate) fn starts(&self, name: &str) -> Vec<(Trigger, String)> {
        let events = self.events();
        let starts = events.iter().filter_map(|event| match event {
            JobEvent::Started { job, trigger, due, .. } if job == name => {
                Some((*trigger, show(*due)))
            }
            _ => None,
        });
        starts.collect()
    }

    /// The times for which runs were started.
    pub(crate) fn times(&self, name: &str) -> Vec<String> {
        self.starts(name).into_iter().map(|(_, time)| time).collect()
    }

    pub(crate) fn ends(&self, name: &str) -> Vec<JobRun> {
        let ends = self.events().into_iter().filter_map(|event| match event {
            JobEvent::Ended(run) if run.job == name => Some(run),
            _ => None,
        });
        ends.collect()
    }

    pub(crate) fn skipped(&self, name: &str, why: Skip) -> usize {
        let events = self.events();
        let skips = events.iter().map(|event| match event {
            JobEvent::Skipped { job, reason, times } if job == name && *reason == why => *times,
            _ => 0,
        });
        skips.sum()
    }

    /// The marks in the future that were told of.
    pub(crate) fn marks_ahead(&self, name: &str) -> Vec<String> {
        let events = self.events();
        let marks = events.iter().filter_map(|event| match event {
            JobEvent::MarkAhead { job, mark } if job == name => Some(show(*mark)),
            _ => None,
        });
        marks.collect()
    }

    pub(crate) async fn stop(self) -> Exit {
        self.app.stop().await
    }
}

/// Work that ends when a test lets it.
#[derive(Debug)]
pub(crate) struct Gate {
    permits: Semaphore,
    /// Works that have been left or given up.
    pub(crate) left: Mutex<Vec<&'static str>>,
}

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { permits: Semaphore::new(0), left: Mutex::default() })
    }

    pub(crate) fn open(&self, times: usize) {
        self.permits.add_permits(times);
    }

    pub(crate) async fn pass(&self) {
        self.permits.acquire().await.unwrap().forget();
    }
}

pub(crate) async fn nothing() -> Result<()> {
    Ok(())
}

/// Work that goes through the gate, and notes how it was left.
pub(crate) async fn through(gate: Arc<Gate>) -> Result<()> {
    let mut guard = Guard(gate.clone(), "given up");
    gate.pass().await;
    guard.1 = "finished";
    Ok(())
}

struct Guard(Arc<Gate>, &'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.left.lock().unwrap().push(self.1);
    }
}

/// A job every second that goes through the gate.
pub(crate) fn gated(name: &'static str) -> Job {
    Job::every(name, SECOND, |_: JobCx, gate: Arc<Gate>| through(gate))
}
