use std::time::Duration;

use super::run::{Run, RunPlan, RunState, Verdict};
use crate::{
    clock::Instant,
    entropy::Entropy,
    event::{End, Event},
    exit::Exit,
    runnable::{OnEnd, Restart},
};

/// A module, a component set or the binding of a runnable: something that is initialised once.
pub(crate) type UnitId = usize;
/// Something that runs; numbered in the order of registration.
pub(crate) type RunId = usize;

/// The time that things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// One module's `init`; one runnable until it is ready.
    pub(crate) start: Duration,
    /// All of a stop.
    pub(crate) stop: Duration,
    /// From readiness off to the first tier.
    pub(crate) drain_delay: Duration,
    /// A hard stop.
    pub(crate) hard_stop: Duration,
}

/// Something that has happened.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    Start,
    /// A unit has started, says this of itself, and wants these to run.
    Initialised(UnitId, String, Vec<RunPlan>),
    InitFailed(UnitId, String),
    /// An init that was to be aborted is gone.
    InitAborted(UnitId),
    /// A runnable was registered while the application runs.
    Registered(RunPlan),
    Ready(RunId),
    /// A task has ended, for whatever reason; the second is its last word.
    Ended(RunId, End, String),
    Undone {
        owner: String,
        what: String,
        error: Option<String>,
    },
    NothingToUndo,
    StopRequested(Exit),
    /// SIGTERM, 15.
    Signal(&'static str, u8),
    /// The clock has reached [`Machine::next_deadline`].
    Tick,
}

/// Something to be done. Each is answered by an input, except where noted.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Init(UnitId),
    AbortInit(UnitId),
    Run(RunId),
    /// `graceful_shutdown`, then the stop signal, then wait for the end.
    Stop(RunId),
    /// `shutdown`, at most for the given time, then abort.
    StopHard(RunId, Duration),
    /// The task is given up. Not answered.
    Abandon(RunId),
    /// The next undo of the shell, or of the others, in reverse order.
    Undo {
        shell: bool,
    },
    /// The undo under way is dropped; answered by [`Input::Undone`].
    AbandonUndo,
    /// Readiness on, or off for good. Not answered.
    SetReady(bool),
    /// The watchdog ends the process then. Not answered.
    Watch(Instant),
    /// Not answered.
    Emit(Event),
    /// Everything has stopped. Not answered.
    Exit(Exit),
    /// The process ends now. Not answered.
    ExitNow(Exit),
}

/// The lifecycle of one application.
pub(crate) struct Machine {
    limits: Limits,
    entropy: Entropy,
    units: Vec<UnitLife>,
    /// The units that have started, each after all it needs.
    start_order: Vec<UnitId>,
    runs: Vec<Run>,
    phase: Phase,
    started_at: Instant,
    signals: u8,
    stop: Option<Stop>,
    actions: Vec<Action>,
}

/// What the machine knows of a unit.
#[derive(Debug, Clone)]
pub(crate) struct UnitPlan {
    pub(crate) name: String,
    /// The units that must have started before.
    pub(crate) needs: Vec<UnitId>,
    /// Whether its start is too little to be told.
    pub(crate) quiet: bool,
}

#[derive(Debug)]
struct UnitLife {
    name: String,
    quiet: bool,
    /// The units that must have started before.
    needs: Vec<UnitId>,
    /// Those, and the units that they need in turn, in order.
    all_needs: Vec<UnitId>,
    state: UnitState,
    took: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UnitState {
    Waiting,
    Starting(Instant),
    Started,
    Aborting,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Built,
    StartingUnits,
    StartingRuns,
    Running,
    /// Inits have been aborted and are waited for.
    Cancelling {
        until: Instant,
    },
    DrainDelay {
        since: Instant,
        until: Instant,
    },
    StoppingRuns,
    Undoing {
        shell: bool,
        since: Instant,
        until: Instant,
    },
    Stopped,
}

/// A stop under way.
#[derive(Debug)]
struct Stop {
    exit: Exit,
    since: Instant,
    /// When the runnables must have ended.
    runs_until: Instant,
    /// When everything must have ended.
    until: Instant,
    overran: Vec<String>,
}

// === impl Machine ===

impl Machine {
    /// A machine over `units`, which wait for each other in no circle.
    pub(crate) fn new(limits: Limits, entropy: Entropy, units: Vec<UnitPlan>) -> Self {
        let all_needs: Vec<_> = (0..units.len()).map(|unit| transitive(&units, unit)).collect();
        let units = units.into_iter().zip(all_needs).map(|(unit, all_needs)| UnitLife {
            name: unit.name,
            quiet: unit.quiet,
            needs: unit.needs,
            all_needs,
            state: UnitState::Waiting,
            took: Duration::ZERO,
        });
        Self {
            limits,
            entropy,
            units: units.collect(),
            start_order: Vec::new(),
            runs: Vec::new(),
            phase: Phase::Built,
            started_at: Instant::START,
            signals: 0,
            stop: None,
            actions: Vec::new(),
        }
    }

    /// Takes an input and answers with what is to be done, in order.
    pub(crate) fn handle(&mut self, now: Instant, input: Input) -> Vec<Action> {
        match input {
            Input::Start => self.start(now),
            Input::Initialised(unit, detail, runs) => self.initialised(now, unit, detail, runs),
            Input::InitFailed(unit, error) => self.init_failed(now, unit, error),
            Input::InitAborted(unit) => {
                self.units[unit].state = UnitState::Ended;
                self.advance(now);
            }
            Input::Registered(plan) => {
                self.runs.push(Run::new(plan));
                self.advance(now);
            }
            Input::Ready(run) => self.ready(now, run),
            Input::Ended(run, end, detail) => self.ended(now, run, end, detail),
            Input::Undone { owner, what, error } => {
                if let Phase::Undoing { shell, since, .. } = self.phase {
                    self.emit(Event::Undone { owner, what, took: now - since, error });
                    self.undo(now, shell);
                }
            }
            Input::NothingToUndo => match self.phase {
                Phase::Undoing { shell: false, .. } => self.undo(now, true),
                Phase::Undoing { shell: true, .. } => self.finish(now),
                _ => {}
            },
            Input::StopRequested(exit) => self.stop(now, exit, self.limits.drain_delay),
            Input::Signal(name, number) => self.signal(now, name, number),
            Input::Tick => self.tick(now),
        }
        std::mem::take(&mut self.actions)
    }

    /// When [`Input::Tick`] is due.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let of_phase = match self.phase {
            Phase::Cancelling { until }
            | Phase::DrainDelay { until, .. }
            | Phase::Undoing { until, .. } => Some(until),
            _ => None,
        };
        let of_units = self.units.iter().filter_map(|unit| match unit.state {
            UnitState::Starting(since) if self.stop.is_none() => Some(since + self.limits.start),
            _ => None,
        });
        let of_runs = self.runs.iter().filter_map(|run| match run.state {
            RunState::Starting { since }
                if self.phase == Phase::StartingRuns && run.is_first_start() =>
            {
                Some(since + self.limits.start)
            }
            RunState::BackingOff { until } if self.stop.is_none() => Some(until),
            RunState::Stopping { deadline, .. } => Some(deadline),
            _ => None,
        });
        of_phase.into_iter().chain(of_units).chain(of_runs).min()
    }

    // --- starting

    fn start(&mut self, now: Instant) {
        if self.phase == Phase::Built {
            self.phase = Phase::StartingUnits;
            self.started_at = now;
            self.emit(Event::Starting);
            self.advance(now);
        }
    }

    fn initialised(&mut self, now: Instant, unit: UnitId, detail: String, runs: Vec<RunPlan>) {
        let life = &mut self.units[unit];
        match life.state {
            UnitState::Starting(since) => {
                life.state = UnitState::Started;
                life.took = now - since;
                self.start_order.push(unit);
                let (name, took) = (life.name.clone(), life.took);
                if !life.quiet {
                    self.emit(Event::ModuleStarted { name, took, detail });
                }
                self.runs.extend(runs.into_iter().map(Run::new));
            }
            // It was finished before it could be aborted; its undos are in the list.
            UnitState::Aborting => life.state = UnitState::Ended,
            _ => {}
        }
        self.advance(now);
    }

    fn init_failed(&mut self, now: Instant, unit: UnitId, error: String) {
        let life = &mut self.units[unit];
        let was = std::mem::replace(&mut life.state, UnitState::Ended);
        if let UnitState::Starting(since) = was {
            let (name, took) = (life.name.clone(), now - since);
            let reason = format!("`{name}` failed to start");
            self.emit(Event::ModuleFailed { name, took, error });
            self.stop(now, Exit::new(Exit::START_FAILED, reason), Duration::ZERO);
        }
        self.advance(now);
    }

    fn ready(&mut self, now: Instant, id: RunId) {
        let run = &mut self.runs[id];
        if let RunState::Starting { since } = run.state {
            run.state = RunState::Ready;
            let name = run.plan.name.clone();
            self.emit(Event::RunnableReady { name, took: now - since });
            self.advance(now);
        }
    }

    fn run_failed_to_start(&mut self, now: Instant, id: RunId, took: Duration, error: String) {
        let name = self.runs[id].plan.name.clone();
        let reason = format!("`{name}` failed to start");
        self.emit(Event::ModuleFailed { name, took, error });
        self.stop(now, Exit::new(Exit::START_FAILED, reason), Duration::ZERO);
    }

    /// Whether the start of the application waits for this runnable to become ready.
    fn starts_first(&self, id: RunId) -> bool {
        self.phase == Phase::StartingRuns && self.runs[id].is_first_start()
    }

    /// Does what has become possible, whichever input made it so.
    fn advance(&mut self, now: Instant) {
        if self.phase == Phase::StartingUnits {
            self.start_units(now);
            if self.units.iter().all(|unit| unit.state == UnitState::Started) {
                self.phase = Phase::StartingRuns;
                self.warn_of_tiers();
            }
        }
        if matches!(self.phase, Phase::StartingRuns | Phase::Running) {
            self.start_runs(now);
        }
        if self.phase == Phase::StartingRuns && self.runs.iter().all(Run::has_started) {
            self.phase = Phase::Running;
            self.act(Action::SetReady(true));
            let critical_path = self.critical_path();
            self.emit(Event::Ready { took: now - self.started_at, critical_path });
        }
        if matches!(self.phase, Phase::Cancelling { .. })
            && !self.units.iter().any(|unit| unit.state == UnitState::Aborting)
        {
            self.phase = Phase::StoppingRuns;
        }
        if self.phase == Phase::StoppingRuns {
            self.stop_runs(now);
            if !self.runs.iter().any(Run::is_alive) {
                self.undo(now, false);
            }
        }
    }

    /// Tiers come before needs: who asked for the wrong one learns of it here.
    fn warn_of_tiers(&mut self) {
        let runs = self
            .runs
            .iter()
            .flat_map(|one| self.runs.iter().map(move |other| (&one.plan, &other.plan)));
        let late = runs.filter(|(one, other)| {
            one.tier > other.tier
                && one.unit.zip(other.unit).is_some_and(|(one, other)| self.depends(one, other))
        });
        let texts: Vec<_> = late
            .map(|(one, other)| {
                let ((name, tier), (before, earlier)) =
                    ((&one.name, one.tier), (&other.name, other.tier));
                format!("{name} ({tier}) stops after {before} ({earlier}), which it needs")
            })
            .collect();
        texts.into_iter().for_each(|text| self.emit(Event::Warning { text }));
    }

    fn start_units(&mut self, now: Instant) {
        for id in 0..self.units.len() {
            let unit = &self.units[id];
            let has_started = |need: &UnitId| self.units[*need].state == UnitState::Started;
            if unit.state == UnitState::Waiting && unit.needs.iter().all(has_started) {
                let (name, quiet) = (unit.name.clone(), unit.quiet);
                self.units[id].state = UnitState::Starting(now);
                if !quiet {
                    self.emit(Event::ModuleStarting { name });
                }
                self.act(Action::Init(id));
            }
        }
    }

    fn start_runs(&mut self, now: Instant) {
        for id in 0..self.runs.len() {
            let waiting = self.runs[id].state == RunState::Waiting;
            let free = (0..self.runs.len())
                .all(|other| !self.stops_before(id, other) || self.runs[other].has_started());
            if waiting && free {
                self.launch(now, id);
            }
        }
    }

    fn launch(&mut self, now: Instant, id: RunId) {
        let run = &mut self.runs[id];
        run.state = RunState::Starting { since: now };
        let (name, restarts) = (run.plan.name.clone(), run.restarts);
        self.emit(Event::RunnableStarted { name, restarts });
        self.act(Action::Run(id));
    }

    /// The modules that the start had to wait for, one after the other.
    fn critical_path(&self) -> Vec<String> {
        let mut finish = vec![Duration::ZERO; self.units.len()];
        for id in &self.start_order {
            let before = self.units[*id].needs.iter().map(|need| finish[*need]).max();
            finish[*id] = before.unwrap_or_default() + self.units[*id].took;
        }
        let slowest = |ids: &mut dyn Iterator<Item = UnitId>| ids.max_by_key(|id| finish[*id]);
        let last = slowest(&mut (0..self.units.len()));
        let path =
            std::iter::successors(last, |id| slowest(&mut self.units[*id].needs.iter().copied()));
        let told = path.filter(|id| !self.units[*id].quiet);
        let mut names: Vec<_> = told.map(|id| self.units[id].name.clone()).collect();
        names.reverse();
        names
    }

    // --- running

    fn ended(&mut self, now: Instant, id: RunId, end: End, detail: String) {
        let starts_first = self.starts_first(id);
        let run = &mut self.runs[id];
        match run.state {
            RunState::Stopping { since, .. } => {
                run.state = RunState::Ended;
                let (name, tier) = (run.plan.name.clone(), run.plan.tier);
                let error = (end != End::Finished).then(|| end.to_string());
                self.emit(Event::RunnableStopped { name, tier, took: now - since, detail, error });
                self.advance(now);
            }
            RunState::Starting { since } if starts_first && run.plan.on_end != OnEnd::Ignore => {
                run.state = RunState::Ended;
                let error = format!("it {end} before it was ready");
                self.run_failed_to_start(now, id, now - since, error);
                self.advance(now);
            }
            RunState::Starting { .. } | RunState::Ready => self.ended_early(now, id, end),
            RunState::Waiting | RunState::BackingOff { .. } | RunState::Ended => {}
        }
    }

    fn ended_early(&mut self, now: Instant, id: RunId, end: End) {
        let run = &mut self.runs[id];
        let name = run.plan.name.clone();
        let verdict = run.judge(now, &end, &self.entropy);
        let restart_in = match verdict {
            Verdict::Restart(delay) if self.stop.is_none() => {
                run.state = RunState::BackingOff { until: now + delay };
                Some(delay)
            }
            _ => {
                run.state = RunState::Ended;
                None
            }
        };
        self.emit(Event::RunnableEnded { name: name.clone(), end: end.clone(), restart_in });
        if restart_in.is_none() && verdict != Verdict::Nothing {
            let mut reason = format!("`{name}` {end}");
            if let Verdict::GiveUp(Restart { limit, within, .. }) = verdict {
                reason.push_str(&format!(
                    "; it was restarted {limit} times within {within:?}, which is the limit"
                ));
            }
            let exit = Exit::new(Exit::RUNNABLE_FAILED, reason);
            self.stop(now, exit, self.limits.drain_delay);
        }
        self.advance(now);
    }

    // --- stopping

    fn signal(&mut self, now: Instant, name: &'static str, number: u8) {
        self.signals = self.signals.saturating_add(1);
        let stopping = self.stop.is_some();
        match self.signals {
            1 if !stopping => self.stop(now, Exit::new(Exit::CLEAN, name), self.limits.drain_delay),
            1 => self.emit(Event::SignalIgnored {
                signal: name.to_owned(),
                consequence: "already stopping; a second one cuts the deadlines",
            }),
            2 => {
                self.emit(Event::SignalIgnored {
                    signal: name.to_owned(),
                    consequence: "the deadlines are cut; a third one ends the process at once",
                });
                self.hurry(now);
            }
            _ => {
                let reason = format!("{name} for the third time");
                self.act(Action::ExitNow(Exit::new(128 + number, reason)));
            }
        }
    }

    /// Begins to stop, unless that has begun: the first cause counts.
    fn stop(&mut self, now: Instant, exit: Exit, drain_delay: Duration) {
        if self.stop.is_some() || self.phase == Phase::Stopped {
            return;
        }
        let Limits { stop, hard_stop, .. } = self.limits;
        let until = now + stop;
        // A hard stop and the undos must fit in behind the runnables.
        let reserve = (hard_stop * 3).min(stop / 2);
        let reason = exit.reason().to_owned();
        self.stop = Some(Stop {
            exit,
            since: now,
            runs_until: until - reserve,
            until,
            overran: Vec::new(),
        });
        self.act(Action::SetReady(false));
        self.act(Action::Watch(until));
        self.emit(Event::Stopping { reason, budget: stop });
        match self.phase {
            Phase::Running if !drain_delay.is_zero() => {
                let until = (now + drain_delay).min(until - reserve);
                self.phase = Phase::DrainDelay { since: now, until };
            }
            Phase::StartingUnits => self.cancel_inits(now),
            _ => self.phase = Phase::StoppingRuns,
        }
        self.advance(now);
    }

    fn cancel_inits(&mut self, now: Instant) {
        self.phase = Phase::Cancelling { until: now + self.limits.hard_stop };
        for id in 0..self.units.len() {
            match self.units[id].state {
                UnitState::Starting(_) => {
                    self.units[id].state = UnitState::Aborting;
                    self.act(Action::AbortInit(id));
                }
                UnitState::Waiting => self.units[id].state = UnitState::Ended,
                _ => {}
            }
        }
    }

    /// Cuts every deadline: what still runs is stopped hard now.
    fn hurry(&mut self, now: Instant) {
        let hard_stop = self.limits.hard_stop;
        let Some(stop) = &mut self.stop else { return };
        stop.runs_until = now;
        stop.until = stop.until.min(now + hard_stop * 3);
        let until = stop.until;
        self.act(Action::Watch(until));
        if let Phase::DrainDelay { .. } = self.phase {
            self.phase = Phase::StoppingRuns;
        }
        if let Phase::Undoing { shell, since, until: limit } = self.phase {
            self.phase = Phase::Undoing { shell, since, until: limit.min(now + hard_stop) };
        }
        for run in &mut self.runs {
            if let RunState::Stopping { deadline, hard: false, .. } = &mut run.state {
                *deadline = now;
            }
        }
        self.advance(now);
        self.tick(now);
    }

    /// Whether one unit needs another, directly or through others.
    fn depends(&self, unit: UnitId, other: UnitId) -> bool {
        self.units[unit].all_needs.binary_search(&other).is_ok()
    }

    /// Whether `run` stops before `other` does, and so starts after it.
    fn stops_before(&self, run: RunId, other: RunId) -> bool {
        let (one, two) = (&self.runs[run].plan, &self.runs[other].plan);
        one.tier < two.tier
            || one.tier == two.tier
                && one.unit.zip(two.unit).is_some_and(|(one, two)| self.depends(one, two))
    }

    fn stop_runs(&mut self, now: Instant) {
        let Some(stop) = &self.stop else { return };
        let runs_until = stop.runs_until;
        for id in 0..self.runs.len() {
            let free = (0..self.runs.len())
                .all(|other| !self.stops_before(other, id) || !self.runs[other].is_alive());
            match self.runs[id].state {
                RunState::Waiting | RunState::BackingOff { .. } => {
                    self.runs[id].state = RunState::Ended;
                }
                RunState::Starting { .. } | RunState::Ready if free => {
                    let run = &mut self.runs[id];
                    let grace = run.plan.grace.map_or(Instant::NEVER, |grace| now + grace);
                    let deadline = grace.min(runs_until).max(now);
                    run.state = RunState::Stopping { since: now, deadline, hard: false };
                    self.act(Action::Stop(id));
                }
                _ => {}
            }
        }
    }

    fn undo(&mut self, now: Instant, shell: bool) {
        let Some(stop) = &self.stop else { return };
        // Each may take half of what is left, so that none takes all of it from the others.
        let until = now + (stop.until - now) / 2;
        self.phase = Phase::Undoing { shell, since: now, until };
        self.act(Action::Undo { shell });
    }

    fn finish(&mut self, now: Instant) {
        let Some(stop) = &self.stop else { return };
        let clean = stop.exit.is_clean() && !stop.overran.is_empty();
        let exit = if clean {
            Exit::new(
                Exit::STOP_OVERRAN,
                format!("{} did not stop in time", stop.overran.join(", ")),
            )
        } else {
            stop.exit.clone()
        };
        let took = now - stop.since;
        self.phase = Phase::Stopped;
        self.emit(Event::Stopped { took, exit: exit.clone() });
        self.act(Action::Exit(exit));
    }

    // --- time

    fn tick(&mut self, now: Instant) {
        self.tick_starts(now);
        self.tick_runs(now);
        match self.phase {
            Phase::Cancelling { until } if until <= now => {
                for id in 0..self.units.len() {
                    if self.units[id].state == UnitState::Aborting {
                        self.units[id].state = UnitState::Ended;
                        self.overran(self.units[id].name.clone(), self.limits.hard_stop);
                    }
                }
            }
            Phase::DrainDelay { since, until } if until <= now => {
                self.emit(Event::DrainDelayed { took: now - since });
                self.phase = Phase::StoppingRuns;
            }
            Phase::Undoing { since, until, .. } if until <= now => {
                self.overran("an undo".to_owned(), until - since);
                self.act(Action::AbandonUndo);
            }
            _ => {}
        }
        self.advance(now);
    }

    fn tick_starts(&mut self, now: Instant) {
        if self.stop.is_some() {
            return;
        }
        let limit = self.limits.start;
        let late = |since: Instant| since + limit <= now;
        let late_unit = self
            .units
            .iter()
            .position(|unit| matches!(unit.state, UnitState::Starting(since) if late(since)));
        if let Some(id) = late_unit {
            let name = self.units[id].name.clone();
            let error = format!("it did not start within {limit:?} (lifecycle.start_timeout)");
            let reason = format!("`{name}` did not start in time");
            self.emit(Event::ModuleFailed { name, took: limit, error });
            return self.stop(now, Exit::new(Exit::START_FAILED, reason), Duration::ZERO);
        }
        let late_run = (0..self.runs.len()).find(|id| {
            self.starts_first(*id)
                && matches!(self.runs[*id].state, RunState::Starting { since } if late(since))
        });
        if let Some(id) = late_run {
            let error =
                format!("it did not call `ready()` within {limit:?} (lifecycle.start_timeout)");
            self.run_failed_to_start(now, id, limit, error);
        }
    }

    fn tick_runs(&mut self, now: Instant) {
        let hard_stop = self.limits.hard_stop;
        // However many tiers overrun, the undos keep the last part of the time.
        let latest = self.stop.as_ref().map_or(Instant::NEVER, |stop| {
            stop.until - hard_stop.min((stop.until - stop.runs_until) / 3)
        });
        for id in 0..self.runs.len() {
            match self.runs[id].state {
                RunState::BackingOff { until } if until <= now && self.stop.is_none() => {
                    self.launch(now, id);
                }
                RunState::Stopping { since, deadline, hard: false } if deadline <= now => {
                    self.overran(self.runs[id].plan.name.clone(), deadline - since);
                    let deadline = (now + hard_stop).min(latest).max(now);
                    self.runs[id].state = RunState::Stopping { since, deadline, hard: true };
                    self.act(Action::StopHard(id, deadline - now));
                }
                RunState::Stopping { deadline, hard: true, .. } if deadline <= now => {
                    self.runs[id].state = RunState::Ended;
                    self.act(Action::Abandon(id));
                }
                _ => {}
            }
        }
    }

    fn overran(&mut self, name: String, limit: Duration) {
        if let Some(stop) = &mut self.stop {
            stop.overran.push(format!("`{name}`"));
        }
        self.emit(Event::Overran { name, limit });
    }

    fn emit(&mut self, event: Event) {
        self.act(Action::Emit(event));
    }

    fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    // --- for the driver and for tests

    /// Whether it is stopping, or has stopped.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    /// What has not ended yet, for the watchdog.
    pub(crate) fn unfinished(&self) -> Vec<String> {
        let units = self
            .units
            .iter()
            .filter(|unit| matches!(unit.state, UnitState::Starting(_) | UnitState::Aborting));
        let runs = self.runs.iter().filter(|run| run.is_alive());
        units.map(|unit| unit.name.clone()).chain(runs.map(|run| run.plan.name.clone())).collect()
    }
}

/// Everything that `unit` needs, directly and through others, in order.
fn transitive(units: &[UnitPlan], unit: UnitId) -> Vec<UnitId> {
    let mut found = vec![false; units.len()];
    let mut open = vec![unit];
    while let Some(next) = open.pop() {
        for need in &units[next].needs {
            if !std::mem::replace(&mut found[*need], true) {
                open.push(*need);
            }
        }
    }
    (0..units.len()).filter(|need| found[*need]).collect()
}
