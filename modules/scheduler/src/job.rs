use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use purlin::{app::Member, error::Result};

use crate::{
    cx::JobCx,
    policy::{Missed, Overlap, Rate, Retry, StopMode},
    schedule::{Schedule, ScheduleError},
    work::Work,
};

/// Work that is done at its times.
///
/// ```
/// # extern crate purlin_core as purlin;
/// # use std::{sync::Arc, time::Duration};
/// # use purlin::{error::Result, needs::Interface};
/// # trait Orders: Interface {}
/// # async fn report(orders: Arc<dyn Orders>) -> Result<()> { Ok(()) }
/// use purlin_scheduler::{Job, Missed, Retry, StopMode};
///
/// let report = Job::cron("report", "0 3 * * MON-FRI", |orders: Arc<dyn Orders>| report(orders))
///     .zone("Europe/Berlin")
///     .leader_only()
///     .missed(Missed::Once)
///     .deadline(Duration::from_secs(600))
///     .retry(Retry::times(3))
///     .stop_mode(StopMode::Graceful);
/// ```
///
/// The arguments of the function are needs, checked like any other; a [`JobCx`] may come before
/// them. It is added with [`Jobs::job`](crate::Jobs::job), and run by the
/// [`SchedulerModule`](crate::SchedulerModule).
pub struct Job {
    name: Arc<str>,
    schedule: Result<Schedule, ScheduleError>,
    terms: Terms,
    bind: Box<dyn FnOnce(Terms, Schedule) -> Member<ScheduledJob> + Send>,
}

/// A job that has got what it needs: what the scheduler takes. It is made of a [`Job`].
pub struct ScheduledJob {
    pub(crate) name: Arc<str>,
    pub(crate) schedule: Schedule,
    pub(crate) terms: Terms,
    pub(crate) work: Box<dyn Fn(JobCx) -> Attempt + Send + Sync>,
}

pub(crate) type Attempt = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// How a job is run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    pub(crate) deadline: Option<Duration>,
    pub(crate) stop_mode: StopMode,
    pub(crate) overlap: Overlap,
    pub(crate) missed: Missed,
    pub(crate) jitter: Duration,
    pub(crate) rate: Option<Rate>,
    pub(crate) retry: Retry,
    pub(crate) leader_only: bool,
    pub(crate) run_on_start: bool,
}

// === impl Job ===

impl Job {
    /// Runs `work` every `period`, for the first time after one.
    pub fn every<Args, W: Work<Args>>(
        name: impl Into<Arc<str>>,
        period: Duration,
        work: W,
    ) -> Self {
        Self::new(name, Schedule::Every(period).checked(), work)
    }

    /// Runs `work` at the times of a [cron pattern](crate::Cron::new). One that is none is reported
    /// when the application is built.
    pub fn cron<Args, W: Work<Args>>(name: impl Into<Arc<str>>, pattern: &str, work: W) -> Self {
        Self::new(name, Schedule::cron(pattern), work)
    }

    /// Runs `work` when somebody asks for it.
    pub fn manual<Args, W: Work<Args>>(name: impl Into<Arc<str>>, work: W) -> Self {
        Self::new(name, Ok(Schedule::Manual), work)
    }

    fn new<Args, W: Work<Args>>(
        name: impl Into<Arc<str>>,
        schedule: Result<Schedule, ScheduleError>,
        work: W,
    ) -> Self {
        let name = name.into();
        let (called, work) = (name.clone(), Arc::new(work));
        let bind = move |terms, schedule| {
            Member::new(called.to_string(), move |needs: W::Needs| {
                let work = move |cx| -> Attempt {
                    let (work, needs) = (work.clone(), needs.clone());
                    Box::pin(async move { work.run(cx, needs).await })
                };
                Arc::new(ScheduledJob { name: called, schedule, terms, work: Box::new(work) })
            })
        };
        Self { name, schedule, terms: Terms::default(), bind: Box::new(bind) }
    }

    /// Sets the time zone of a cron pattern; `scheduler.zone` by default, which is UTC.
    #[must_use]
    pub fn zone(mut self, name: &str) -> Self {
        self.schedule = self.schedule.and_then(|schedule| schedule.zone(name));
        self
    }

    /// Runs it only where this instance leads `scheduler`, with a fencing token in
    /// [`JobCx::term`]. All leader-only jobs of an application have one leader.
    #[must_use]
    pub fn leader_only(mut self) -> Self {
        self.terms.leader_only = true;
        self
    }

    /// Sets how long a run may take, with all its attempts; unlimited by default. Past it the run is
    /// given up at its next `await`.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.terms.deadline = Some(deadline);
        self
    }

    /// Sets how a run is stopped; [`StopMode::Immediate`] by default.
    #[must_use]
    pub fn stop_mode(mut self, mode: StopMode) -> Self {
        self.terms.stop_mode = mode;
        self
    }

    /// Sets what happens when runs overlap; [`Overlap::Skip`] by default.
    #[must_use]
    pub fn overlap(mut self, overlap: Overlap) -> Self {
        self.terms.overlap = overlap;
        self
    }

    /// Sets what happens with missed runs; [`Missed::Skip`] by default.
    #[must_use]
    pub fn missed(mut self, missed: Missed) -> Self {
        self.terms.missed = missed;
        self
    }

    /// Delays each scheduled run by a random time up to `jitter`, so that replicas and jobs of one
    /// schedule do not start all at once; none by default.
    #[must_use]
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.terms.jitter = jitter;
        self
    }

    /// Sets how many runs may start in a span of time; further ones wait. Unlimited by default.
    #[must_use]
    pub fn rate(mut self, rate: Rate) -> Self {
        self.terms.rate = Some(rate);
        self
    }

    /// Sets how a run that fails is tried again; [`Retry::NONE`] by default.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.terms.retry = retry;
        self
    }

    /// Runs it once more when the scheduler starts; for a leader-only job, when a term begins.
    #[must_use]
    pub fn run_on_start(mut self) -> Self {
        self.terms.run_on_start = true;
        self
    }
}

impl From<Job> for Member<ScheduledJob> {
    fn from(Job { schedule, terms, bind, .. }: Job) -> Self {
        let leader_only = terms.leader_only;
        let (schedule, problem) = match schedule {
            Ok(schedule) => (schedule, None),
            Err(error) => (Schedule::Manual, Some(error)),
        };
        let mut member = bind(terms, schedule).taken_by("SchedulerModule");
        if leader_only {
            member.plan().leader_only();
        }
        if let Some(error) = problem {
            member
                .plan()
                .problem(error.to_string(), "see `purlin_scheduler::Cron` for what can be written");
        }
        member
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, schedule, terms, .. } = self;
        f.debug_struct("Job")
            .field("name", name)
            .field("schedule", schedule)
            .field("terms", terms)
            .finish_non_exhaustive()
    }
}

// === impl ScheduledJob ===

impl fmt::Debug for ScheduledJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, schedule, terms, .. } = self;
        f.debug_struct("ScheduledJob")
            .field("name", name)
            .field("schedule", schedule)
            .field("terms", terms)
            .finish_non_exhaustive()
    }
}
