use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use purlin::{leader::Term, runnable::RunCx};
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    Engine, Lane,
    perform::{Performance, Start},
};
use crate::{
    event::Skip,
    run::Trigger,
    schedule::Schedule,
    scheduler::{TriggerError, Triggered},
    slots::{Offer, Slots},
    timeline::{Now, Passed, Timeline},
};

/// Follows the schedule of one job, until stopping begins or leadership ends.
pub(super) struct Driver {
    engine: Arc<Engine>,
    lane: Arc<Lane>,
    cx: RunCx,
    term: Option<Term>,
    slots: Slots<Start>,
    /// Dropped with the driver, which aborts them: nothing outlives a term.
    runs: JoinSet<()>,
}

/// Questions that may wait.
const ASKS: usize = 16;

// === impl Driver ===

impl Driver {
    pub(super) fn new(engine: Arc<Engine>, lane: Arc<Lane>, cx: RunCx, term: Option<Term>) -> Self {
        let slots = Slots::new(lane.job.terms.overlap);
        Self { engine, lane, cx, term, slots, runs: JoinSet::new() }
    }

    pub(super) async fn drive(mut self) {
        let (door, mut asks) = mpsc::channel(ASKS);
        let mut line = self.resume().await;
        let mut door = Some(door);
        let mut open = None;
        if self.lane.job.terms.run_on_start && self.lane.enabled {
            // Nothing goes on yet that it could overlap.
            let _ = self.offer(Trigger::Start, self.engine.clock.system_now());
        }
        loop {
            let now = Now::of(&self.engine.clock);
            if let Some(passed) = line.passed(now) {
                self.due(passed).await;
            }
            self.lane.show(line.next(now), self.slots.all());
            if let Some(door) = door.take() {
                open = Some(self.lane.open(door));
            }
            let clock = self.engine.clock.clone();
            let looks = async {
                match line.look_at(now) {
                    Some(moment) => clock.sleep_until(moment).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.cx.stopping() => break,
                Some(ended) = self.runs.join_next() => self.ended(ended.is_ok()),
                Some(ask) = asks.recv() => {
                    let answer = self.offer(Trigger::Manual, self.engine.clock.system_now());
                    // Whoever asked may have gone; the run goes on all the same.
                    let _ = ask.send(answer);
                }
                () = looks => {}
            }
        }
        drop(open);
        self.stop().await;
    }

    /// Goes on where the job was left: here, before a restart, or by another leader. The first time
    /// ever begins now, and is marked, so that a service that is restarted often comes round to its
    /// slow jobs.
    async fn resume(&self) -> Timeline {
        let (engine, job) = (&self.engine, self.lane.name());
        let now = Now::of(&engine.clock);
        let schedule = if self.lane.enabled { &self.lane.schedule } else { &Schedule::Manual };
        if *schedule == Schedule::Manual {
            return Timeline::Manual;
        }
        let mark = match engine.ask("mark", engine.store.mark(job)).await.flatten() {
            Some(mark) => mark,
            None => {
                let origin = whole_millis(now.wall);
                engine.ask("claim", engine.store.claim(job, origin, origin)).await;
                origin
            }
        };
        Timeline::resume(schedule, engine.zone, mark, now)
    }

    async fn due(&mut self, passed: Passed) {
        let (engine, job) = (&self.engine, self.lane.name());
        let claim = engine.store.claim(job, whole_millis(passed.latest), passed.since);
        // Without an answer it is run: leadership is what keeps the others from running it too.
        let is_ours = engine.ask("claim", claim).await.unwrap_or(true);
        let times = passed.due(self.lane.job.terms.missed, engine.late_after);
        // What is not leader-only runs on every replica, whatever the others did.
        if !is_ours && self.lane.is_leader_only() {
            let all = times.missed.len() + times.skipped + usize::from(times.on_time.is_some());
            return engine.skipped(&self.lane, Skip::Claimed, all);
        }
        engine.skipped(&self.lane, Skip::Missed, times.skipped);
        let missed = times.missed.into_iter().map(|due| (Trigger::Missed, due));
        let on_time = times.on_time.map(|due| (Trigger::Schedule, due));
        for (trigger, due) in missed.chain(on_time) {
            // One that is refused has been counted as skipped.
            let _ = self.offer(trigger, due);
        }
    }

    fn offer(&mut self, trigger: Trigger, due: SystemTime) -> Result<Triggered, TriggerError> {
        match self.slots.offer(Start { trigger, due }, trigger == Trigger::Missed) {
            Offer::Start(start) => {
                self.start(start);
                Ok(Triggered::Started)
            }
            Offer::Queued => Ok(Triggered::Queued),
            Offer::Refused => {
                self.engine.skipped(&self.lane, Skip::Overlap, 1);
                Err(TriggerError::Overlaps { job: self.lane.name().to_owned() })
            }
        }
    }

    fn start(&mut self, start: Start) {
        let performance = Performance {
            engine: self.engine.clone(),
            lane: self.lane.clone(),
            start,
            term: self.term.clone(),
            stop: self.cx.stop_token(),
        };
        self.runs.spawn(performance.perform());
    }

    fn ended(&mut self, in_order: bool) {
        if !in_order {
            // A panic of the work is its outcome; this one is of the store, or of a listener.
            tracing::error!(job = self.lane.name(), "a run was lost");
        }
        if let Some(next) = self.slots.ended() {
            self.start(next);
        }
    }

    async fn stop(mut self) {
        let waited = self.slots.clear();
        self.engine.skipped(&self.lane, Skip::Stopped, waited);
        while self.runs.join_next().await.is_some() {}
    }
}

/// What a store can keep.
fn whole_millis(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}
