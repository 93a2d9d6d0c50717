use std::{
    any::Any,
    collections::{HashMap, VecDeque},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::{
    runtime::Handle,
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        watch,
    },
    task::{AbortHandle, Id, JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    machine::{Action, Input, Machine, RunId, UnitId},
    run::RunPlan,
};
use crate::{
    app::Shared,
    clock::Instant,
    error::{Error, Result, told},
    event::{End, Event},
    exit::Exit,
    init::Init,
    key::Key,
    leader::{Campaign, LeaderConfig, LeaseStore},
    meter::Meter,
    registry::{Outputs, Registry},
    runnable::{Maker, RunCx, RunSpec, Runnable, Tier},
    shutdown::Request,
    signal::{Signal, Signals},
    spawner::panic_message,
    watchdog::Watchdog,
};

/// Performs what the machine decides, on tokio.
pub(crate) struct Driver {
    /// Where everything that is driven runs. The driver itself may run elsewhere.
    pub(crate) runtime: Handle,
    pub(crate) machine: Machine,
    pub(crate) units: Vec<Unit>,
    pub(crate) registry: Arc<RwLock<Registry>>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) requests: UnboundedReceiver<Request>,
    pub(crate) signals: Signals,
    pub(crate) leader: LeaderConfig,
    pub(crate) watchdog: Option<Watchdog>,
    /// What is not wrong, and should be known: told once everything runs, log included.
    pub(crate) warnings: Vec<String>,
    /// Runnables that no module registered.
    pub(crate) hooks: Vec<RunSpec>,
}

/// One thing to initialise.
pub(crate) struct Unit {
    pub(crate) name: Arc<str>,
    pub(crate) section: String,
    pub(crate) shell: bool,
    /// Its place among the givers of a group.
    pub(crate) order: usize,
    pub(crate) start: Box<dyn FnOnce(&Registry, Init) -> Starting + Send>,
}

/// An `init` under way.
pub(crate) type Starting = BoxFuture<'static, Result<(Init, Outputs)>>;

/// The state of a driver while it runs.
struct Life {
    runtime: Handle,
    machine: Machine,
    starts: Vec<Option<Unit>>,
    orders: Vec<usize>,
    registry: Arc<RwLock<Registry>>,
    shared: Arc<Shared>,
    leader: LeaderConfig,
    watchdog: Option<Watchdog>,
    tasks: JoinSet<Done>,
    tags: HashMap<Id, (Tag, AbortHandle)>,
    runs: Vec<RunTask>,
    ready: UnboundedSender<RunId>,
    warnings: Vec<String>,
    queue: VecDeque<Input>,
    exit: Option<Exit>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tag {
    Init(UnitId),
    Run(RunId),
    Graceful(RunId),
    Hard(RunId),
    Undo { owner: String, what: String },
    LetGo,
}

/// What a task came to. A panic or an abort is a [`JoinError`] instead.
enum Done {
    Init(Box<Result<(Init, Outputs)>>),
    Run(Result<()>),
    Graceful(Result<()>),
    Hard(Result<()>),
    Undo(Result<()>),
    LetGo,
}

/// A runnable and its present instance.
struct RunTask {
    spec: Option<RunSpec>,
    instance: Option<(Late, RunCx, CancellationToken)>,
    /// What its run came to, while its drain still goes on.
    outcome: Option<Result<Done, JoinError>>,
}

// === impl Driver ===

impl Driver {
    /// Runs the application from its start to its end.
    pub(crate) async fn run(self) -> Exit {
        let Self {
            runtime,
            machine,
            units,
            registry,
            shared,
            leader,
            watchdog,
            warnings,
            hooks,
            ..
        } = self;
        let (mut requests, mut signals) = (self.requests, self.signals);
        let clock = shared.clock.clone();
        // Tasks may have been spawned since the first `init`, and go with their application.
        let _tasks = shared.spawner.abort_on_drop();
        let (ready, mut readies) = unbounded_channel();
        let mut life = Life {
            runtime,
            machine,
            orders: units.iter().map(|unit| unit.order).collect(),
            starts: units.into_iter().map(Some).collect(),
            registry,
            shared,
            leader,
            watchdog,
            tasks: JoinSet::new(),
            tags: HashMap::new(),
            runs: Vec::new(),
            ready,
            warnings,
            queue: VecDeque::new(),
            exit: None,
        };
        life.register_spawner();
        hooks.into_iter().for_each(|hook| life.register(hook));
        life.queue.push_back(Input::Start);
        loop {
            life.settle(clock.now());
            if let Some(exit) = life.exit.take() {
                return exit;
            }
            let deadline = life.machine.next_deadline().unwrap_or(Instant::NEVER);
            tokio::select! {
                biased;
                signal = signals.next() => life.push_signal(signal),
                // Ready before the end: a runnable may do both in one breath.
                Some(run) = readies.recv() => life.queue.push_back(Input::Ready(run)),
                Some(joined) = life.tasks.join_next_with_id() => life.joined(joined),
                Some(request) = requests.recv() => life.requested(request),
                () = clock.sleep_until(deadline) => life.queue.push_back(Input::Tick),
            }
        }
    }
}

// === impl Life ===

impl Life {
    /// Feeds the machine until it wants nothing more.
    fn settle(&mut self, now: Instant) {
        while let Some(input) = self.queue.pop_front() {
            for action in self.machine.handle(now, input) {
                self.perform(now, action);
            }
        }
        if let Some(watchdog) = &self.watchdog {
            let undo = self.tags.values().filter_map(|(tag, _)| tag.undoing());
            let undo = undo.map(|(owner, what)| format!("{owner}: {what}"));
            watchdog.set_stuck(self.machine.unfinished().into_iter().chain(undo).collect());
        }
    }

    fn perform(&mut self, now: Instant, action: Action) {
        match action {
            Action::Init(unit) => self.init(unit),
            Action::AbortInit(unit) => self.abort(&Tag::Init(unit)),
            Action::Run(run) => self.start(run),
            Action::Stop(run) => self.stop(run),
            Action::StopHard(run, limit) => self.stop_hard(run, limit),
            Action::Abort(run) => self.abort(&Tag::Run(run)),
            Action::Abandon(run) => {
                for tag in [Tag::Run(run), Tag::Graceful(run), Tag::Hard(run)] {
                    self.abort(&tag);
                }
            }
            Action::Undo { shell } => self.undo(shell),
            Action::AbandonUndo => self.abandon_undo(),
            Action::SetReady(true) => {
                for text in std::mem::take(&mut self.warnings) {
                    self.shared.events.emit(Event::Warning { text });
                }
                self.shared.readiness.started();
            }
            Action::SetReady(false) => self.shared.readiness.stopping(),
            Action::Watch(until) => {
                if let Some(watchdog) = &self.watchdog {
                    watchdog.arm(until - now);
                }
            }
            Action::Emit(event) => self.shared.events.emit(event),
            Action::Exit(exit) => self.exit = Some(exit),
            Action::ExitNow(exit) => {
                self.shared
                    .events
                    .emit(Event::Stopped { took: Duration::ZERO, exit: exit.clone() });
                self.exit = Some(exit);
            }
        }
    }

    fn spawn(&mut self, tag: Tag, task: impl Future<Output = Done> + Send + 'static) {
        let handle = self.tasks.spawn_on(task, &self.runtime);
        self.tags.insert(handle.id(), (tag, handle));
    }

    fn abort(&self, tag: &Tag) {
        self.tags.values().filter(|(other, _)| other == tag).for_each(|(_, task)| task.abort());
    }

    fn is_under_way(&self, tag: &Tag) -> bool {
        self.tags.values().any(|(other, _)| other == tag)
    }

    // --- what is done

    fn init(&mut self, id: UnitId) {
        let Some(unit) = self.starts[id].take() else { return };
        let cx = Init::new(unit.name.clone(), unit.section, unit.shell, self.shared.clone());
        let (registry, span) =
            (self.registry.clone(), tracing::info_span!("init", module = &*unit.name));
        // The needs are taken inside of the task, so that a panic there is a failure with a name.
        self.spawn(
            Tag::Init(id),
            async move {
                let (starting, overrides) = {
                    let registry = registry.read().unwrap_or_else(PoisonError::into_inner);
                    ((unit.start)(&registry, cx), registry.overrides())
                };
                let mut started = starting.await;
                if let Ok((_, outputs)) = &mut started {
                    outputs.decorate(&overrides);
                }
                Done::Init(Box::new(started))
            }
            .instrument(span),
        );
    }

    fn start(&mut self, id: RunId) {
        let ready = self.ready.clone();
        let Shared { clock, entropy, .. } = &*self.shared;
        let task = &mut self.runs[id];
        let Some(spec) = &task.spec else { return };
        let stop = CancellationToken::new();
        let on_ready = move || {
            // A driver that is gone waits for nobody.
            let _ = ready.send(id);
        };
        let cx =
            RunCx::new(spec.name.clone(), clock.clone(), entropy.clone(), stop.clone(), on_ready);
        let span = tracing::info_span!("run", runnable = spec.name);
        let (made, late) = Late::new();
        let (make, run_cx) = (spec.make.clone(), cx.clone());
        task.instance = Some((late, cx, stop));
        // The factory is the user's too: it runs inside of the task, where a panic has a name.
        let run = async move {
            let instance = made.by(&make);
            Done::Run(match instance.init().await {
                Ok(()) => instance.run(run_cx).await,
                Err(error) => Err(error),
            })
        };
        self.spawn(Tag::Run(id), run.instrument(span));
    }

    fn stop(&mut self, id: RunId) {
        let Some((instance, _, stop)) = self.runs[id].instance.clone() else { return };
        self.spawn(Tag::Graceful(id), async move {
            // Stopping begins when the drain is done, has failed, has panicked or was aborted.
            let _stop = stop.drop_guard();
            Done::Graceful(instance.graceful_shutdown().await)
        });
    }

    fn stop_hard(&mut self, id: RunId, limit: Duration) {
        let Some((instance, _, stop)) = self.runs[id].instance.clone() else { return };
        stop.cancel();
        self.abort(&Tag::Graceful(id));
        let clock = self.shared.clock.clone();
        // One half is for `shutdown`, the other for the abort that follows it.
        self.spawn(Tag::Hard(id), async move {
            let outcome = clock.timeout(limit / 2, instance.shutdown()).await;
            Done::Hard(outcome.unwrap_or_else(|elapsed| Err(elapsed.into())))
        });
    }

    fn undo(&mut self, shell: bool) {
        let Some(undo) = self.shared.undos.pop(shell) else {
            return self.let_go(shell);
        };
        let tag = Tag::Undo { owner: undo.owner, what: undo.what };
        self.spawn(tag, async move { Done::Undo((undo.run)().await) });
    }

    /// Drops what the application has given and made, after the last undo: a destructor may block
    /// or panic like the rest of its code. Who holds an application in his own process drops it
    /// himself.
    fn let_go(&mut self, shell: bool) {
        if !self.shared.owns_process {
            self.queue.push_back(Input::NothingToUndo);
            return;
        }
        let left: Box<dyn Any + Send> = if shell {
            Box::new((self.shared.health.take_all(), self.shared.pages.take_all()))
        } else {
            let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
            let specs: Vec<_> = self.runs.iter_mut().map(|run| run.spec.take()).collect();
            Box::new((std::mem::take(&mut *registry), std::mem::take(&mut self.starts), specs))
        };
        let task = self.tasks.spawn_blocking_on(
            move || {
                drop(left);
                Done::LetGo
            },
            &self.runtime,
        );
        self.tags.insert(task.id(), (Tag::LetGo, task));
    }

    fn abandon_undo(&mut self) {
        let under_way = self.tags.iter().find_map(|(id, (tag, task))| {
            let (owner, what) = tag.undoing()?;
            Some((*id, task.clone(), owner.to_owned(), what.to_owned()))
        });
        if let Some((id, task, owner, what)) = under_way {
            task.abort();
            self.tags.remove(&id);
            let error = Some("it took too long and was abandoned".to_owned());
            self.queue.push_back(Input::Undone { owner, what, error });
        }
    }

    /// The supervisor of spawned tasks stops like any other runnable.
    fn register_spawner(&mut self) {
        let spawner = self.shared.spawner.clone();
        let mut spec = RunSpec::new("tasks", Arc::new(move || Arc::new(Tasks(spawner.clone()))));
        spec.tier(Tier::TASKS);
        self.register(spec);
    }

    fn register(&mut self, spec: RunSpec) {
        let plan = plan(&spec, None);
        self.runs.push(RunTask::new(spec));
        self.queue.push_back(Input::Registered(plan));
    }

    // --- what has happened

    fn push_signal(&mut self, Signal { name, number }: Signal) {
        self.queue.push_back(Input::Signal(name, number));
    }

    fn requested(&mut self, request: Request) {
        match request {
            Request::Stop(exit) => self.queue.push_back(Input::StopRequested(exit)),
            Request::OnStop(spec) => self.register(spec),
        }
    }

    fn joined(&mut self, joined: Result<(Id, Done), JoinError>) {
        let (id, outcome) = match joined {
            Ok((id, done)) => (id, Ok(done)),
            Err(error) => (error.id(), Err(error)),
        };
        // What was abandoned has lost its tag.
        let Some((tag, _)) = self.tags.remove(&id) else { return };
        match tag {
            Tag::Init(unit) => self.init_ended(unit, outcome),
            Tag::Run(run) => self.run_ended(run, outcome),
            Tag::Graceful(run) => {
                self.stopped_badly(run, outcome);
                if let Some(outcome) = self.runs[run].outcome.take() {
                    self.run_ended(run, outcome);
                }
            }
            Tag::Hard(run) => {
                self.stopped_badly(run, outcome);
                self.abort(&Tag::Run(run));
            }
            Tag::LetGo if outcome.is_ok() => self.queue.push_back(Input::NothingToUndo),
            Tag::Undo { .. } | Tag::LetGo => {
                let (owner, what) = tag.undoing().expect("both are undone");
                let (owner, what) = (owner.to_owned(), what.to_owned());
                let error = failure(outcome).map(|error| error.to_string());
                self.queue.push_back(Input::Undone { owner, what, error });
            }
        }
    }

    fn init_ended(&mut self, unit: UnitId, outcome: Result<Done, JoinError>) {
        let input = match outcome {
            Ok(Done::Init(started)) => match *started {
                Ok((cx, outputs)) => self.initialised(unit, cx, outputs),
                Err(error) => Input::InitFailed(unit, told(&error)),
            },
            Err(error) if error.is_cancelled() => Input::InitAborted(unit),
            Err(error) => Input::InitFailed(unit, End::from(error).to_string()),
            Ok(_) => return,
        };
        self.queue.push_back(input);
    }

    fn initialised(&mut self, unit: UnitId, cx: Init, outputs: Outputs) -> Input {
        {
            let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
            registry.put(self.orders[unit], outputs);
            if let Some(meter) = registry.get::<Meter>(Key::of::<Meter>()) {
                self.shared.set_meter(Meter::clone(meter));
            }
        }
        // Nothing that comes too late is run.
        let specs = if self.machine.is_stopping() { Vec::new() } else { cx.runs };
        let specs: Result<Vec<_>> = specs.into_iter().map(|spec| self.gated(spec)).collect();
        match specs {
            Ok(specs) => {
                let plans = specs.iter().map(|spec| plan(spec, Some(unit))).collect();
                self.runs.extend(specs.into_iter().map(RunTask::new));
                Input::Initialised(unit, cx.detail, plans)
            }
            Err(error) => Input::InitFailed(unit, error.to_string()),
        }
    }

    /// Puts the campaign loop in front of a runnable that only a leader runs.
    fn gated(&self, mut spec: RunSpec) -> Result<RunSpec, Error> {
        let Some(lease) = spec.leader_only.clone() else { return Ok(spec) };
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        let store = registry.get::<dyn LeaseStore>(Key::of::<dyn LeaseStore>());
        let store = store.cloned().ok_or_else(|| {
            crate::error::anyhow!(
                "`{}` is gated by leadership, and there is no lease store: declare it with \
                 `plan.leader_only()` in the module's `plan`",
                spec.name
            )
        })?;
        let (config, shared) = (self.leader.clone(), self.shared.clone());
        let campaign = Arc::new(Campaign::new(lease, config, store, spec.make.clone(), shared));
        spec.make = Arc::new(move || campaign.clone());
        Ok(spec)
    }

    fn run_ended(&mut self, run: RunId, outcome: Result<Done, JoinError>) {
        // What drains has not ended, although its run has.
        if self.is_under_way(&Tag::Graceful(run)) {
            self.runs[run].outcome = Some(outcome);
            return;
        }
        let detail = self.runs[run].instance.take().map(|(_, cx, _)| cx.detail());
        let end = match outcome {
            Ok(Done::Run(Ok(()))) => End::Finished,
            Ok(Done::Run(Err(error))) => End::Failed(told(&error)),
            Err(error) => End::from(error),
            Ok(_) => return,
        };
        self.queue.push_back(Input::Ended(run, end, detail.unwrap_or_default()));
    }

    fn stopped_badly(&mut self, run: RunId, outcome: Result<Done, JoinError>) {
        if let Some(end) = failure(outcome) {
            self.queue.push_back(Input::StopFailed(run, end));
        }
    }
}

fn plan(spec: &RunSpec, unit: Option<UnitId>) -> RunPlan {
    let RunSpec { name, tier, on_end, grace, .. } = spec;
    RunPlan { name: name.clone(), unit, tier: *tier, on_end: *on_end, grace: *grace }
}

/// What went wrong, if anything did. To be aborted is not wrong.
fn failure(outcome: Result<Done, JoinError>) -> Option<End> {
    match outcome {
        Ok(Done::Graceful(Err(error)) | Done::Hard(Err(error)) | Done::Undo(Err(error))) => {
            Some(End::Failed(told(&error)))
        }
        Ok(_) => None,
        Err(error) if error.is_cancelled() => None,
        Err(error) => Some(End::from(error)),
    }
}

// === impl Tag ===

impl Tag {
    /// Who undoes what.
    fn undoing(&self) -> Option<(&str, &str)> {
        match self {
            Self::Undo { owner, what } => Some((owner, what)),
            Self::LetGo => Some(("application", "drop what is left")),
            _ => None,
        }
    }
}

// === impl RunTask ===

impl RunTask {
    fn new(spec: RunSpec) -> Self {
        Self { spec: Some(spec), instance: None, outcome: None }
    }
}

// === impl End ===

impl From<JoinError> for End {
    fn from(error: JoinError) -> Self {
        match error.try_into_panic() {
            Ok(panic) => Self::Panicked(panic_message(&*panic)),
            Err(_) => Self::Failed("it was aborted".to_owned()),
        }
    }
}

/// An instance that its task makes, and that is dropped where it ran: what a destructor does must
/// not happen to the driver.
#[derive(Clone)]
struct Late(watch::Receiver<Option<Arc<dyn Runnable>>>);

/// The other end, in the task.
struct Made(watch::Sender<Option<Arc<dyn Runnable>>>);

// === impl Late ===

impl Late {
    fn new() -> (Made, Self) {
        let (made, late) = watch::channel(None);
        (Made(made), Self(late))
    }

    /// The instance, as soon as there is one; nothing, if its task ended before.
    async fn get(mut self) -> Option<Arc<dyn Runnable>> {
        let made = self.0.wait_for(Option::is_some).await.ok()?;
        made.clone()
    }

    async fn graceful_shutdown(self) -> Result<()> {
        match self.get().await {
            Some(instance) => instance.graceful_shutdown().await,
            None => Ok(()),
        }
    }

    async fn shutdown(self) -> Result<()> {
        match self.get().await {
            Some(instance) => instance.shutdown().await,
            None => Ok(()),
        }
    }
}

// === impl Made ===

impl Made {
    fn by(&self, make: &Maker) -> Arc<dyn Runnable> {
        let instance = make();
        self.0.send_replace(Some(instance.clone()));
        instance
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        self.0.send_replace(None);
    }
}

/// The runnable that stops spawned tasks.
struct Tasks(crate::spawner::Spawner);

// === impl Tasks ===

#[async_trait::async_trait]
impl Runnable for Tasks {
    async fn run(&self, cx: RunCx) -> Result<()> {
        cx.ready();
        cx.stopping().await;
        self.0.drain().await;
        Ok(())
    }

    async fn shutdown(&self) -> Result<()> {
        let aborted = self.0.abort();
        crate::error::ensure!(aborted.is_empty(), "aborted: {}", aborted.join(", "));
        Ok(())
    }
}
