use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use purlin::{clock::Instant, leader::Term, runnable::RunCx};
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
    /// The mark of a claim that was not answered: it may have been made all the same.
    doubtful: Option<SystemTime>,
    /// Whether the mark is ahead of the clock, which has been told.
    is_ahead: bool,
    /// Dropped with the driver, which aborts them: nothing outlives a term.
    runs: JoinSet<()>,
}

/// What the store says of times that have passed.
#[derive(Debug, PartialEq, Eq)]
enum Claim {
    Ours,
    /// Somebody else has dealt with them, and left this mark.
    Theirs(Option<SystemTime>),
    Unanswered,
}

/// How long after a question that was not answered it is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Questions that may wait.
const ASKS: usize = 16;

// === impl Driver ===

impl Driver {
    pub(super) fn new(engine: Arc<Engine>, lane: Arc<Lane>, cx: RunCx, term: Option<Term>) -> Self {
        let slots = Slots::new(lane.job.terms.overlap);
        let runs = JoinSet::new();
        Self { engine, lane, cx, term, slots, doubtful: None, is_ahead: false, runs }
    }

    pub(super) async fn drive(mut self) {
        let (door, mut asks) = mpsc::channel(ASKS);
        let mut line = tokio::select! {
            biased;
            () = self.cx.stopping() => return,
            line = self.resume() => line,
        };
        let mut again = Instant::START;
        let mut door = Some(door);
        let mut open = None;
        if self.lane.job.terms.run_on_start && self.lane.enabled {
            // Nothing goes on yet that it could overlap.
            let _ = self.offer(Trigger::Start, self.engine.clock.system_now());
        }
        loop {
            let now = Now::of(&self.engine.clock);
            if let Some(passed) = line.passed(now).filter(|_| again <= now.mono) {
                let claim = tokio::select! {
                    biased;
                    () = self.cx.stopping() => break,
                    claim = self.claim(&passed) => claim,
                };
                if self.is_put_off(&claim, &passed) {
                    again = self.engine.clock.now() + AGAIN;
                } else {
                    line.deal(&passed, now);
                    self.due(claim, passed, &mut line);
                }
            }
            self.look_ahead(&line, now);
            self.lane.show(line.next(now), self.slots.all());
            if let Some(door) = door.take() {
                open = Some(self.lane.open(door));
            }
            let clock = self.engine.clock.clone();
            let looks = async {
                match line.look_at(now) {
                    Some(moment) => clock.sleep_until(moment.max(again)).await,
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

    /// Goes on where the job was left: here, before a restart, or by another leader. Asks until there
    /// is an answer: without one, times that have passed would be taken for the future.
    async fn resume(&self) -> Timeline {
        let schedule = if self.lane.enabled { &self.lane.schedule } else { &Schedule::Manual };
        if *schedule == Schedule::Manual {
            return Timeline::Manual;
        }
        loop {
            if let Some(line) = self.try_to_resume(schedule).await {
                return line;
            }
            self.engine.clock.sleep(AGAIN).await;
        }
    }

    /// The first time ever begins now, and is marked, so that a service that is restarted often comes
    /// round to its slow jobs. So does a steady pace whose mark was made by a wrong clock.
    async fn try_to_resume(&self, schedule: &Schedule) -> Option<Timeline> {
        let (engine, job) = (&self.engine, self.lane.name());
        let is_steady = matches!(schedule, Schedule::Every(_));
        loop {
            let mark = engine.ask("mark", engine.store.mark(job)).await?;
            let now = Now::of(&engine.clock);
            let resume = |mark| Timeline::resume(schedule, engine.zone, mark, now);
            let ahead = match mark.map(resume) {
                Some(line) if !is_steady || line.ahead(now).is_none() => return Some(line),
                Some(_) => mark,
                None => None,
            };
            let origin = whole_millis(now.wall);
            let since = ahead.map_or(origin, |ahead| ahead + Duration::from_millis(1));
            if engine.ask("claim", engine.store.claim(job, origin, since)).await? {
                if let Some(ahead) = ahead {
                    engine.mark_is_ahead(&self.lane, ahead);
                }
                return Some(resume(origin));
            }
            // Somebody else was quicker, and has left a mark.
            tokio::task::yield_now().await;
        }
    }

    async fn claim(&self, passed: &Passed) -> Claim {
        let (engine, job) = (&self.engine, self.lane.name());
        let claim = engine.store.claim(job, whole_millis(passed.mark), passed.since);
        match engine.ask("claim", claim).await {
            Some(true) => Claim::Ours,
            Some(false) if !self.lane.is_leader_only() => Claim::Theirs(None),
            Some(false) => {
                let mark = engine.ask("mark", engine.store.mark(job)).await;
                Claim::Theirs(mark.flatten())
            }
            None => Claim::Unanswered,
        }
    }

    /// Whether the times wait until the store answers: only it knows whether another leader has dealt
    /// with them. What is not leader-only runs on every replica, whatever the others did.
    fn is_put_off(&mut self, claim: &Claim, passed: &Passed) -> bool {
        let is_put_off = *claim == Claim::Unanswered && self.lane.is_leader_only();
        if is_put_off {
            self.doubtful = Some(passed.mark);
        }
        is_put_off
    }

    fn due(&mut self, claim: Claim, passed: Passed, line: &mut Timeline) {
        let engine = &self.engine;
        let doubtful = self.doubtful.take().is_some_and(|mark| mark >= passed.since);
        let times = passed.due(self.lane.job.terms.missed, engine.late_after);
        if let (Claim::Theirs(mark), true) = (claim, self.lane.is_leader_only()) {
            if let Some(mark) = mark {
                line.follow(mark);
            }
            let all = times.missed.len() + times.skipped + usize::from(times.on_time.is_some());
            let reason = if doubtful { Skip::Unanswered } else { Skip::Claimed };
            return engine.skipped(&self.lane, reason, all);
        }
        engine.skipped(&self.lane, Skip::Missed, times.skipped);
        let missed = times.missed.into_iter().map(|due| (Trigger::Missed, due));
        let on_time = times.on_time.map(|due| (Trigger::Schedule, due));
        for (trigger, due) in missed.chain(on_time) {
            // One that is refused has been counted as skipped.
            let _ = self.offer(trigger, due);
        }
    }

    /// Tells once when the mark gets ahead of the clock.
    fn look_ahead(&mut self, line: &Timeline, now: Now) {
        let ahead = line.ahead(now);
        if let Some(mark) = ahead.filter(|_| !self.is_ahead) {
            self.engine.mark_is_ahead(&self.lane, mark);
        }
        self.is_ahead = ahead.is_some();
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
