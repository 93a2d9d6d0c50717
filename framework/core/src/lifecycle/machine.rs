//! The state machine: inputs and the time in, actions out.

mod ending;
mod starting;
mod stopping;
mod ticking;

use std::time::Duration;

use super::run::{Run, RunPlan, RunState};
use crate::{
    clock::Instant,
    entropy::Entropy,
    event::{End, Event},
    exit::Exit,
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
    /// `graceful_shutdown` or `shutdown` went wrong.
    StopFailed(RunId, End),
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
    /// The task is aborted, and answers when it is gone.
    Abort(RunId),
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
    /// Started at that time, and to be gone.
    Aborting(Instant),
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
        /// Whether the undo under way has been abandoned.
        late: bool,
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
    failed: Vec<String>,
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
            Input::StopFailed(run, end) => self.stop_failed(run, end),
            Input::Undone { owner, what, error } => self.undone(now, owner, what, error),
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
            | Phase::Undoing { until, late: false, .. } => Some(until),
            _ => None,
        };
        let of_units = self.units.iter().filter_map(|unit| match unit.state {
            UnitState::Starting(since) if self.stop.is_none() => Some(since + self.limits.start),
            _ => None,
        });
        let of_runs = self.runs.iter().filter_map(|run| match run.state {
            RunState::Starting { since } if self.stop.is_none() => Some(since + self.limits.start),
            RunState::BackingOff { until } if self.stop.is_none() => Some(until),
            RunState::Stopping { deadline, .. } => Some(deadline),
            _ => None,
        });
        of_phase.into_iter().chain(of_units).chain(of_runs).min()
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
            && !self.units.iter().any(|unit| matches!(unit.state, UnitState::Aborting(_)))
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

    /// Whether `run` stops before `other` does, and so starts after it.
    fn stops_before(&self, run: RunId, other: RunId) -> bool {
        let (one, two) = (&self.runs[run].plan, &self.runs[other].plan);
        one.tier < two.tier
            || one.tier == two.tier
                && one.unit.zip(two.unit).is_some_and(|(one, two)| self.depends(one, two))
    }

    /// Whether one unit needs another, directly or through others.
    fn depends(&self, unit: UnitId, other: UnitId) -> bool {
        self.units[unit].all_needs.binary_search(&other).is_ok()
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

    /// Whether it is stopping, or has stopped.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    /// What has not ended yet, for the watchdog.
    pub(crate) fn unfinished(&self) -> Vec<String> {
        let units = self
            .units
            .iter()
            .filter(|unit| matches!(unit.state, UnitState::Starting(_) | UnitState::Aborting(_)));
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
