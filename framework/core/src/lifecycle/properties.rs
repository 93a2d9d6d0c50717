//! Ten thousand random lives: whatever fails, hangs, panics or is signalled, at whatever moment, the
//! machine keeps its order, its deadlines and its exit code.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    time::Duration,
};

use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestRunner},
};

use super::machine::{Action, Input, Limits, Machine, RunId, UnitId, UnitPlan};
use super::run::RunPlan;
use crate::{
    clock::Instant,
    entropy::Entropy,
    event::{End, Event},
    exit::Exit,
    runnable::{OnEnd, Restart, Tier},
};

/// How one application behaves, all of it.
#[derive(Debug, Clone)]
struct Case {
    units: Vec<UnitCase>,
    shell_undos: u8,
    drain_delay: u16,
    signals: Vec<u16>,
    request: Option<(u16, u8)>,
    seed: u64,
}

#[derive(Debug, Clone)]
struct UnitCase {
    needs: u16,
    init: Init,
    /// How long its undo takes; `None` hangs.
    undo: Option<u16>,
    runs: Vec<RunCase>,
}

#[derive(Debug, Clone, Copy)]
enum Init {
    Succeeds(u16),
    Fails(u16),
    /// Until it is aborted.
    Hangs,
    /// For ever: it never yields.
    Blocks,
}

#[derive(Debug, Clone, Copy)]
struct RunCase {
    tier: u16,
    on_end: u8,
    ready: Option<u16>,
    /// Whether it gets ready again after a restart.
    recovers: bool,
    /// After how long it ends by itself, and how.
    ends: Option<(u16, u8)>,
    stops: Stops,
    grace: Option<u16>,
}

#[derive(Debug, Clone, Copy)]
enum Stops {
    After(u16),
    /// After that time, and its drain fails.
    Badly(u16),
    WhenHard,
    /// Neither the signal nor the abort ends it.
    Never,
}

const LIMITS: Limits = Limits {
    start: Duration::from_millis(500),
    stop: Duration::from_millis(2500),
    drain_delay: Duration::ZERO,
    hard_stop: Duration::from_millis(100),
};

fn case() -> impl Strategy<Value = Case> {
    let run = (
        0..4_u16,
        0..3_u8,
        prop_oneof![9 => (0..100_u16).prop_map(Some), 1 => Just(None)],
        prop::bool::weighted(0.5),
        prop_oneof![3 => Just(None), 1 => (0..900_u16, 0..3_u8).prop_map(Some)],
        prop_oneof![8 => (0..300_u16).prop_map(Stops::After), 2 => (0..300_u16).prop_map(Stops::Badly), 1 => Just(Stops::WhenHard), 1 => Just(Stops::Never)],
        prop::option::of(0..600_u16),
    );
    let run = run.prop_map(|(tier, on_end, ready, recovers, ends, stops, grace)| RunCase {
        tier,
        on_end,
        ready,
        recovers,
        ends,
        stops,
        grace,
    });
    let init = prop_oneof![
        20 => (0..200_u16).prop_map(Init::Succeeds),
        1 => (0..200_u16).prop_map(Init::Fails),
        1 => Just(Init::Hangs),
        1 => Just(Init::Blocks),
    ];
    let undo = prop_oneof![9 => (0..150_u16).prop_map(Some), 1 => Just(None)];
    let unit = (any::<u16>(), init, undo, prop::collection::vec(run, 0..3));
    let unit = unit.prop_map(|(needs, init, undo, runs)| UnitCase { needs, init, undo, runs });
    (
        prop::collection::vec(unit, 0..7),
        0..3_u8,
        0..200_u16,
        prop::collection::vec(0..1500_u16, 0..4),
        prop::option::of((0..1500_u16, 0..5_u8)),
        any::<u64>(),
    )
        .prop_map(|(units, shell_undos, drain_delay, signals, request, seed)| Case {
            units,
            shell_undos,
            drain_delay,
            signals,
            request,
            seed,
        })
}

/// The world around a machine: what it is told to do takes its time and has its outcome.
struct World<'a> {
    case: &'a Case,
    machine: Machine,
    now: Instant,
    queue: BinaryHeap<Reverse<(Instant, u64)>>,
    inputs: BTreeMap<u64, Input>,
    next: u64,
    runs: Vec<(UnitId, usize)>,
    undos: Vec<(bool, Option<u16>)>,
    undoing: bool,
    seen: Seen,
}

#[derive(Default)]
struct Seen {
    initialised: Vec<UnitId>,
    started: Vec<UnitId>,
    running: BTreeSet<RunId>,
    ran: BTreeSet<RunId>,
    stopped: Vec<RunId>,
    late: bool,
    stop_failed: bool,
    hurried: bool,
    ready: bool,
    stopping: Option<Instant>,
    failed: bool,
    gave_up: bool,
    overran: bool,
    undone: usize,
    shell_undone: bool,
    exit: Option<(Instant, Exit)>,
    exit_now: bool,
}

/// What a sweep has reached. A kind of life that never came up would prove nothing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Reached {
    ready: u32,
    start_failed: u32,
    cancelled: u32,
    gave_up: u32,
    overran: u32,
    hurried: u32,
    third_signal: u32,
    requested: u32,
    clean: u32,
    late: u32,
    stop_failed: u32,
}

// === impl World ===

impl<'a> World<'a> {
    fn new(case: &'a Case) -> Self {
        let plans = case.units.iter().enumerate().map(|(id, unit)| UnitPlan {
            name: format!("unit {id}"),
            needs: (0..id).filter(|other| unit.needs >> other & 1 == 1).collect(),
            quiet: false,
        });
        let drain_delay = Duration::from_millis(case.drain_delay.into());
        let limits = Limits { drain_delay, ..LIMITS };
        Self {
            case,
            machine: Machine::new(limits, Entropy::seeded(case.seed), plans.collect()),
            now: Instant::START,
            queue: BinaryHeap::new(),
            inputs: BTreeMap::new(),
            next: 0,
            runs: Vec::new(),
            undos: (0..case.shell_undos).map(|_| (true, Some(10))).collect(),
            undoing: false,
            seen: Seen::default(),
        }
    }

    fn live(mut self) -> Result<Seen, TestCaseError> {
        self.later(0, Input::Start);
        for (at, name) in self.case.signals.clone().into_iter().zip(["SIGTERM"; 4]) {
            self.later(at, Input::Signal(name, 15));
        }
        if let Some((at, code)) = self.case.request {
            self.later(at, Input::StopRequested(Exit::new(code, "a request")));
        }
        for _ in 0..5_000 {
            if self.seen.exit.is_some() || self.seen.exit_now {
                return Ok(self.seen);
            }
            let queued = self.queue.peek().map(|Reverse((at, _))| *at);
            let deadline = self.machine.next_deadline();
            let input = match (queued, deadline) {
                (Some(at), deadline) if deadline.is_none_or(|deadline| at <= deadline) => {
                    let Reverse((at, id)) = self.queue.pop().unwrap();
                    self.now = self.now.max(at);
                    self.inputs.remove(&id).unwrap()
                }
                (_, Some(deadline)) => {
                    self.now = self.now.max(deadline);
                    Input::Tick
                }
                // It runs, and nothing more would ever happen.
                _ => {
                    prop_assert!(self.seen.ready, "nothing goes on, and it is not ready");
                    Input::StopRequested(Exit::new(0, "the end of the case"))
                }
            };
            self.step(input)?;
        }
        Err(TestCaseError::fail("it does not come to an end"))
    }

    fn step(&mut self, input: Input) -> Result<(), TestCaseError> {
        self.account(&input);
        let actions = self.machine.handle(self.now, input);
        for action in actions {
            self.perform(action)?;
        }
        Ok(())
    }

    fn later(&mut self, millis: u16, input: Input) {
        self.next += 1;
        self.queue.push(Reverse((self.now + Duration::from_millis(millis.into()), self.next)));
        self.inputs.insert(self.next, input);
    }

    fn perform(&mut self, action: Action) -> Result<(), TestCaseError> {
        match action {
            Action::Init(unit) => self.init(unit)?,
            Action::AbortInit(unit) => {
                self.forget(|input| matches!(input, Input::Initialised(id, ..) | Input::InitFailed(id, _) if *id == unit));
                if !matches!(self.case.units[unit].init, Init::Blocks) {
                    self.later(1, Input::InitAborted(unit));
                }
            }
            Action::Run(run) => self.run(run)?,
            Action::Stop(run) => self.stop(run)?,
            Action::StopHard(run, _) => {
                prop_assert!(self.seen.stopped.contains(&run), "stopped hard before it was asked");
                if !matches!(self.behaviour(run).stops, Stops::Never) {
                    self.later(
                        1,
                        Input::Ended(run, End::Failed("aborted".to_owned()), String::new()),
                    );
                }
            }
            Action::Abort(run) => {
                prop_assert!(!self.behaviour(run).recovers, "aborted, and it was ready");
                if !matches!(self.behaviour(run).stops, Stops::Never) {
                    self.later(
                        1,
                        Input::Ended(run, End::Failed("aborted".to_owned()), String::new()),
                    );
                }
            }
            Action::Abandon(run) => {
                self.seen.running.remove(&run);
            }
            Action::Undo { shell } => self.undo(shell)?,
            Action::AbandonUndo => {
                prop_assert!(self.undoing, "there is no undo to abandon");
                self.forget(|input| matches!(input, Input::Undone { .. }));
                self.later(0, undone(Some("abandoned")));
            }
            Action::SetReady(true) => {
                prop_assert!(self.seen.stopping.is_none(), "ready while stopping");
                prop_assert_eq!(self.seen.started.len(), self.case.units.len(), "ready too early");
                self.seen.ready = true;
            }
            Action::SetReady(false) => self.seen.stopping = Some(self.now),
            Action::Watch(_) => {}
            Action::Emit(event) => self.see(&event),
            Action::Exit(exit) => {
                prop_assert!(self.seen.running.is_empty(), "runnables outlive the application");
                prop_assert!(self.undos.is_empty(), "something was not undone");
                self.seen.exit = Some((self.now, exit));
            }
            Action::ExitNow(exit) => {
                prop_assert_eq!(exit.code(), 143);
                self.seen.exit_now = true;
            }
        }
        Ok(())
    }

    fn init(&mut self, unit: UnitId) -> Result<(), TestCaseError> {
        prop_assert!(self.seen.stopping.is_none(), "a module is started while stopping");
        prop_assert!(!self.seen.initialised.contains(&unit), "a module is started twice");
        let UnitCase { needs, init, undo, ref runs } = self.case.units[unit];
        for other in (0..unit).filter(|other| needs >> other & 1 == 1) {
            prop_assert!(self.seen.started.contains(&other), "started before what it needs");
        }
        self.seen.initialised.push(unit);
        self.undos.push((false, undo));
        match init {
            Init::Succeeds(after) => {
                let plans = runs.iter().enumerate().map(|(at, run)| plan(unit, at, run)).collect();
                self.later(after, Input::Initialised(unit, String::new(), plans));
            }
            Init::Fails(after) => self.later(after, Input::InitFailed(unit, "no".to_owned())),
            Init::Hangs | Init::Blocks => {}
        }
        Ok(())
    }

    fn run(&mut self, run: RunId) -> Result<(), TestCaseError> {
        prop_assert!(self.seen.stopping.is_none(), "a runnable is started while stopping");
        prop_assert_eq!(self.seen.started.len(), self.case.units.len(), "before all modules");
        prop_assert!(!self.seen.running.contains(&run), "two instances of one runnable");
        let behaviour = self.behaviour(run);
        for other in 0..self.runs.len() {
            if self.behaviour(other).tier > behaviour.tier {
                prop_assert!(
                    self.seen.running.contains(&other) || self.has_run(other),
                    "started before a higher tier"
                );
            }
        }
        self.seen.running.insert(run);
        let restarted = !self.seen.ran.insert(run);
        if let Some(ready) = behaviour.ready
            && (behaviour.recovers || !restarted)
        {
            self.later(ready, Input::Ready(run));
        } else if restarted {
            // It hangs before it gets to where it would end.
            self.seen.late = true;
            return Ok(());
        }
        if let Some((after, how)) = behaviour.ends {
            let end = match how {
                0 => End::Finished,
                1 => End::Failed("an error".to_owned()),
                _ => End::Panicked("a panic".to_owned()),
            };
            self.later(after, Input::Ended(run, end, String::new()));
        }
        Ok(())
    }

    fn has_run(&self, run: RunId) -> bool {
        self.behaviour(run).ends.is_some()
    }

    fn stop(&mut self, run: RunId) -> Result<(), TestCaseError> {
        prop_assert!(self.seen.stopping.is_some(), "stopped, and nobody asked for it");
        prop_assert!(!self.seen.stopped.contains(&run), "stopped twice");
        let tier = self.behaviour(run).tier;
        let earlier = self.seen.running.iter().filter(|other| self.behaviour(**other).tier < tier);
        prop_assert_eq!(earlier.count(), 0, "stopped before an earlier tier has ended");
        let unit = self.runs[run].0;
        let mut needers = self.seen.running.iter().filter(|other| {
            self.behaviour(**other).tier == tier && self.depends(self.runs[**other].0, unit)
        });
        prop_assert!(needers.next().is_none(), "stopped before what needs it");
        self.seen.stopped.push(run);
        self.forget(|input| matches!(input, Input::Ended(id, ..) if *id == run));
        if let Stops::Badly(_) = self.behaviour(run).stops {
            self.later(0, Input::StopFailed(run, End::Failed("no drain".to_owned())));
        }
        if let Stops::After(millis) | Stops::Badly(millis) = self.behaviour(run).stops {
            self.later(millis, Input::Ended(run, End::Finished, String::new()));
        }
        Ok(())
    }

    fn undo(&mut self, shell: bool) -> Result<(), TestCaseError> {
        prop_assert!(self.seen.running.is_empty(), "undone while something still runs");
        prop_assert!(shell || !self.seen.shell_undone, "undone after the shell");
        self.undoing = true;
        self.seen.shell_undone |= shell;
        let Some(at) = self.undos.iter().rposition(|(of_shell, _)| *of_shell == shell) else {
            self.later(0, Input::NothingToUndo);
            return Ok(());
        };
        self.seen.undone += 1;
        if let (_, Some(took)) = self.undos.remove(at) {
            self.later(took, undone(None));
        }
        Ok(())
    }

    fn see(&mut self, event: &Event) {
        match event {
            Event::ModuleFailed { .. } if self.seen.stopping.is_none() => self.seen.failed = true,
            Event::RunnableEnded { restart_in: None, name, end } => {
                let ignored = self.runs.iter().any(|(unit, at)| {
                    *name == format!("{unit}/{at}")
                        && self.case.units[*unit].runs[*at].on_end % 3 == 2
                });
                let stopping = self.seen.stopping.is_some();
                self.seen.gave_up |= !ignored && !stopping;
                self.seen.stop_failed |= !ignored && stopping && *end != End::Finished;
            }
            Event::Overran { .. } => self.seen.overran = true,
            Event::SignalIgnored { consequence, .. } => {
                self.seen.hurried |= consequence.starts_with("the deadlines are cut");
            }
            Event::Undone { error: Some(error), .. } if error == "abandoned" => {
                self.seen.overran = true;
            }
            Event::StopFailed { .. }
            | Event::RunnableStopped { error: Some(_), .. }
            | Event::Undone { error: Some(_), .. } => self.seen.stop_failed = true,
            _ => {}
        }
    }

    /// Whether one unit needs another, directly or through others.
    fn depends(&self, unit: UnitId, other: UnitId) -> bool {
        let needs = self.case.units[unit].needs;
        (0..unit)
            .filter(|need| needs >> need & 1 == 1)
            .any(|need| need == other || self.depends(need, other))
    }

    fn behaviour(&self, run: RunId) -> RunCase {
        let (unit, at) = self.runs[run];
        self.case.units[unit].runs[at]
    }

    fn forget(&mut self, which: impl Fn(&Input) -> bool) {
        let gone: Vec<_> =
            self.inputs.iter().filter(|(_, input)| which(input)).map(|(id, _)| *id).collect();
        for id in gone {
            // Its place in the queue stays; a tick there changes nothing.
            self.inputs.insert(id, Input::Tick);
        }
    }

    /// Keeps the books that belong to the driver, before the machine hears of an input.
    fn account(&mut self, input: &Input) {
        match input {
            Input::Initialised(unit, _, plans) if !self.machine.is_stopping() => {
                self.seen.started.push(*unit);
                self.runs.extend((0..plans.len()).map(|at| (*unit, at)));
            }
            Input::Ended(run, ..) => {
                self.seen.running.remove(run);
                let run = *run;
                self.forget(
                    |input| matches!(input, Input::Ready(id) | Input::Ended(id, ..) if *id == run),
                );
            }
            _ => {}
        }
    }
}

fn plan(unit: UnitId, at: usize, run: &RunCase) -> RunPlan {
    let restart = Restart { limit: 2, ..Restart::default() };
    RunPlan {
        name: format!("{unit}/{at}"),
        unit: Some(unit),
        tier: Tier::new(run.tier * 100),
        on_end: [OnEnd::Restart(restart), OnEnd::StopApp, OnEnd::Ignore]
            [usize::from(run.on_end % 3)],
        grace: run.grace.map(|grace| Duration::from_millis(grace.into())),
    }
}

fn undone(error: Option<&str>) -> Input {
    Input::Undone { owner: String::new(), what: String::new(), error: error.map(str::to_owned) }
}

/// Lives one life, and judges its end.
fn check(case: &Case, reached: &mut Reached) -> Result<(), TestCaseError> {
    let seen = World::new(case).live()?;
    reached.ready += u32::from(seen.ready);
    reached.start_failed += u32::from(seen.failed);
    reached.cancelled += u32::from(!seen.ready && !seen.failed);
    reached.gave_up += u32::from(seen.gave_up);
    reached.overran += u32::from(seen.overran);
    reached.hurried += u32::from(seen.hurried);
    if seen.exit_now {
        reached.third_signal += 1;
        return Ok(());
    }
    let (at, exit) = seen.exit.expect("a life that has ended has an exit");
    let since = seen.stopping.expect("nothing exits that has not stopped");
    prop_assert!(at - since <= LIMITS.stop, "the stop took {:?}", at - since);
    let of_request = case.request.map(|(_, code)| code);
    reached.requested += u32::from(exit.reason() == "a request");
    reached.clean += u32::from(exit.is_clean());
    reached.late += u32::from(seen.late);
    reached.stop_failed += u32::from(exit.reason().starts_with("while stopping"));
    match exit.code() {
        Exit::START_FAILED => prop_assert!(seen.failed),
        Exit::STOP_OVERRAN => prop_assert!(seen.overran && !seen.failed),
        code if Some(code) == of_request && exit.reason() == "a request" => {}
        Exit::RUNNABLE_FAILED => prop_assert!(seen.gave_up || seen.stop_failed),
        Exit::CLEAN => {
            prop_assert!(!seen.failed && !seen.overran, "a clean exit hides a failure");
            prop_assert!(!seen.gave_up, "a clean exit hides a dead runnable");
            prop_assert!(!seen.stop_failed, "a clean exit hides a failed stop");
        }
        other => prop_assert!(false, "exit code {other} is documented nowhere"),
    }
    Ok(())
}

fn sweep(cases: u32, seed: u64) -> Reached {
    let config = Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let reached = std::cell::RefCell::new(Reached::default());
    let outcome = runner.run(&case(), |case| check(&case, &mut reached.borrow_mut()));
    if let Err(error) = outcome {
        panic!("{error}\nseed: {seed}");
    }
    reached.into_inner()
}

#[test]
fn nine_thousand_lives_that_are_the_same_each_time() {
    let reached = sweep(9_000, 1);
    println!("{reached:?}");
    let Reached {
        ready,
        start_failed,
        cancelled,
        gave_up,
        overran,
        hurried,
        third_signal,
        requested,
        clean,
        late,
        stop_failed,
    } = reached;
    for count in [
        ready,
        start_failed,
        cancelled,
        gave_up,
        overran,
        hurried,
        third_signal,
        requested,
        clean,
        late,
        stop_failed,
    ] {
        assert!(count >= 30, "a kind of life was hardly met");
    }
}

#[test]
fn a_thousand_lives_that_are_new() {
    println!("{:?}", sweep(1_000, Entropy::system().u64()));
}
