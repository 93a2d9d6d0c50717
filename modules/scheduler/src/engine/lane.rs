use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::{
    config::JobSettings,
    job::ScheduledJob,
    limit::Limiter,
    run::Trigger,
    schedule::{Schedule, ScheduleError},
    scheduler::{JobStatus, RunningRun, TriggerError, Triggered},
};

/// One job in this process, as those see it who do not drive it.
pub(crate) struct Lane {
    pub(crate) job: Arc<ScheduledJob>,
    /// As the configuration has it.
    pub(crate) schedule: Schedule,
    pub(crate) enabled: bool,
    pub(crate) limiter: Option<Limiter>,
    board: Mutex<Board>,
}

/// A question to the driver: run it now.
pub(crate) type Ask = oneshot::Sender<Result<Triggered, TriggerError>>;

#[derive(Default)]
struct Board {
    /// There while the job is driven.
    door: Option<mpsc::Sender<Ask>>,
    next: Option<SystemTime>,
    /// Runs that were let in: those that go on, and those that have not begun.
    inside: usize,
    running: BTreeMap<Uuid, (Trigger, SystemTime)>,
}

// === impl Lane ===

impl Lane {
    pub(crate) fn new(
        job: Arc<ScheduledJob>,
        settings: JobSettings,
    ) -> Result<Self, ScheduleError> {
        let JobSettings { enabled, schedule, zone } = settings;
        let schedule = match (schedule.unwrap_or_else(|| job.schedule.clone()), zone) {
            (schedule, None) => schedule,
            (Schedule::Cron(cron), Some(zone)) => Schedule::Cron(cron.zone(zone)),
            (other, Some(_)) => return Err(ScheduleError::Zoneless(other.to_string())),
        };
        let limiter = job.terms.rate.map(Limiter::new);
        let enabled = enabled.unwrap_or(true);
        Ok(Self { job, schedule, enabled, limiter, board: Mutex::default() })
    }

    pub(crate) fn name(&self) -> &str {
        &self.job.name
    }

    pub(crate) fn is_leader_only(&self) -> bool {
        self.job.terms.leader_only
    }

    /// Asks the driver to run it now.
    pub(crate) async fn trigger(&self) -> Result<Triggered, TriggerError> {
        let resting = || TriggerError::Resting {
            job: self.name().to_owned(),
            leader_only: self.is_leader_only(),
        };
        let door = self.board().door.clone().ok_or_else(resting)?;
        let (ask, answer) = oneshot::channel();
        door.send(ask).await.map_err(|_| resting())?;
        answer.await.map_err(|_| resting())?
    }

    pub(crate) fn status(&self) -> JobStatus {
        let board = self.board();
        let running = board.running.iter().map(|(id, (trigger, started))| RunningRun {
            id: *id,
            trigger: *trigger,
            started: *started,
        });
        JobStatus {
            name: self.name().to_owned(),
            schedule: self.schedule.to_string(),
            enabled: self.enabled,
            leader_only: self.is_leader_only(),
            active: board.door.is_some(),
            next: board.next,
            waiting: board.inside.saturating_sub(board.running.len()),
            running: running.collect(),
        }
    }

    /// Lets questions in, until the guard goes.
    pub(super) fn open(self: &Arc<Self>, door: mpsc::Sender<Ask>) -> Open {
        self.board().door = Some(door);
        Open(self.clone())
    }

    pub(super) fn show(&self, next: Option<SystemTime>, inside: usize) {
        let mut board = self.board();
        (board.next, board.inside) = (next, inside);
    }

    /// Notes a run until the guard goes.
    pub(super) fn running(self: &Arc<Self>, id: Uuid, trigger: Trigger, at: SystemTime) -> Entry {
        self.board().running.insert(id, (trigger, at));
        Entry(self.clone(), id)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("job", &self.job)
            .field("schedule", &self.schedule)
            .finish_non_exhaustive()
    }
}

/// The job is driven as long as this is there.
pub(super) struct Open(Arc<Lane>);

// === impl Open ===

impl Drop for Open {
    fn drop(&mut self) {
        let mut board = self.0.board();
        (board.door, board.next, board.inside) = (None, None, 0);
    }
}

/// A run goes on as long as this is there.
pub(super) struct Entry(Arc<Lane>, Uuid);

// === impl Entry ===

impl Drop for Entry {
    fn drop(&mut self) {
        self.0.board().running.remove(&self.1);
    }
}
