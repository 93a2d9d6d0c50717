use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use tokio::{
    runtime::Handle,
    sync::{mpsc::unbounded_channel, oneshot},
    task::JoinHandle,
};

use super::{App, Shared, StartError, pages, section::Source};
use crate::{
    config::Secrets,
    event::{Event, Events},
    exit::Exit,
    graph::Kind,
    health::HealthRegistry,
    key::Key,
    leader::Leaders,
    lifecycle::{Driver, Machine, Unit, UnitPlan},
    meter::Meter,
    needs::{Injectable, Needs},
    page::Pages,
    readiness::Readiness,
    registry::{DecoratorPanicked, Registry},
    shutdown::ShutdownHandle,
    signal::{Signal, SignalSender, Signals},
    spawner::Spawner,
    watchdog::Watchdog,
};

/// An application that runs inside of this process, started by
/// [`start`](crate::app::AppBuilder::start).
///
/// Call [`stop`](Self::stop), or await [`stopped`](Self::stopped): when this is dropped the
/// application is aborted as it is.
pub struct Running {
    task: AbortOnDrop,
    handle: AppHandle,
}

/// Looks into a running application, and speaks to it. Cheap to clone.
#[derive(Clone)]
pub struct AppHandle {
    registry: Arc<RwLock<Registry>>,
    shared: Arc<Shared>,
    addresses: Arc<Mutex<BTreeMap<String, SocketAddr>>>,
    signals: SignalSender,
}

/// What the process lends to an application that owns it.
pub(super) struct Process {
    pub(super) signals: Signals,
    pub(super) watchdog: Watchdog,
}

/// A driver that is ready to go, and what it shares with the outside.
pub(super) struct Launch {
    pub(super) driver: Driver,
    pub(super) shared: Arc<Shared>,
    registry: Arc<RwLock<Registry>>,
    signals: Option<SignalSender>,
}

// === impl App ===

impl App {
    /// Starts the application, and returns once it is ready.
    ///
    /// # Errors
    /// [`StartError::Failed`] when something failed to start. What had been started was undone.
    #[expect(clippy::disallowed_methods, reason = "the driver is the task that owns all others")]
    pub async fn start(self) -> Result<Running, StartError> {
        let launch = self.prepare(Handle::current(), None);
        let Launch { driver, shared, registry, signals } = launch.map_err(|error| {
            let cause = error.to_string();
            StartError::Failed { exit: Exit::new(Exit::START_FAILED, cause.clone()), cause }
        })?;
        let (ready, is_ready) = oneshot::channel();
        let (ready, failures) = (Mutex::new(Some(ready)), Arc::new(Mutex::new(Vec::new())));
        let addresses = Arc::new(Mutex::new(BTreeMap::new()));
        let (seen, failed) = (addresses.clone(), failures.clone());
        shared.events.listen(move |event| match event {
            Event::Listening { name, address } => {
                seen.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), *address);
            }
            Event::ModuleFailed { name, took, error } => {
                let cause = format!("`{name}` failed to start after {took:?}: {error}");
                failed.lock().unwrap_or_else(PoisonError::into_inner).push(cause);
            }
            Event::Ready { .. } => {
                if let Some(ready) = ready.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    // Whoever waited may have been cancelled.
                    let _ = ready.send(());
                }
            }
            _ => {}
        });
        let mut guard = AbortOnDrop(Some(tokio::spawn(driver.run())));
        let task = guard.0.as_mut().expect("it was put in the line above");
        let exit = tokio::select! {
            biased;
            Ok(()) = is_ready => {
                let signals = signals.expect("an application that owns no process has its own");
                return Ok(Running { task: guard, handle: AppHandle { registry, shared, addresses, signals } });
            }
            exit = &mut *task => exit.unwrap_or_else(|error| Exit::new(Exit::START_FAILED, error.to_string())),
        };
        guard.0.take();
        let causes = failures.lock().unwrap_or_else(PoisonError::into_inner).join("; ");
        let cause = if causes.is_empty() { exit.reason().to_owned() } else { causes };
        Err(StartError::Failed { cause, exit })
    }

    /// Puts everything in its place.
    ///
    /// # Errors
    /// When a decorator of what is there from the beginning panicked.
    pub(super) fn prepare(
        self,
        runtime: Handle,
        process: Option<Process>,
    ) -> Result<Launch, DecoratorPanicked> {
        let Self { info, graph, mut starts, mut registry, supplied, hooks, settings, .. } = self;
        let (clock, entropy, events) = (self.clock, self.entropy, Events::default());
        self.listeners.into_iter().for_each(|listener| events.listen(listener));
        let (requests, requested) = unbounded_channel();
        let shared = Arc::new(Shared {
            clock: clock.clone(),
            entropy: entropy.clone(),
            events: events.clone(),
            readiness: Readiness::new(),
            health: HealthRegistry::new(clock.clone(), self.lifecycle.health_timeout),
            pages: Pages::default(),
            spawner: Spawner::new(runtime.clone(), clock, events),
            shutdown: ShutdownHandle::new(requests),
            leaders: Arc::new(Leaders::default()),
            undos: crate::undo::Undos::default(),
            owns_process: process.is_some(),
            settings: settings.clone(),
            meter: RwLock::new(Meter::noop()),
        });
        pages::register(&shared, &info, &graph, &settings);
        registry.decorate_replacements()?;
        supplied.into_iter().try_for_each(|supply| supply(&mut registry))?;
        built_in(&mut registry, &shared, &info)?;

        let ids: BTreeMap<usize, usize> =
            graph.units().into_keys().enumerate().map(|(unit, node)| (node, unit)).collect();
        let (mut plans, mut units) = (Vec::new(), Vec::new());
        for (node, needs) in graph.units() {
            let about = &graph.nodes[node];
            plans.push(UnitPlan {
                name: about.name.clone(),
                needs: needs.iter().map(|need| ids[need]).collect(),
                quiet: matches!(about.kind, Kind::Section | Kind::Member | Kind::Runnable),
            });
            let start = starts[node].take().expect("what is started has a start");
            let (section, redirects) = (about.section.clone(), about.redirects.clone());
            let settings = settings.clone();
            let has_references =
                section.as_ref().is_some_and(|section| !settings.references(section).is_empty());
            units.push(Unit {
                name: about.name.as_str().into(),
                section: section
                    .as_ref()
                    .map_or_else(String::new, |section| section.key().to_owned()),
                shell: about.kind == Kind::Shell,
                order: node,
                start: Box::new(move |registry, cx| {
                    let secrets = has_references
                        .then(|| registry.get::<dyn Secrets>(Key::of::<dyn Secrets>()).cloned())
                        .flatten();
                    start(registry, cx, Source { section, settings, secrets, redirects })
                }),
            });
        }
        let limits = self.lifecycle.limits(info.is_prod());
        let machine = Machine::new(limits, entropy, plans);
        let registry = Arc::new(RwLock::new(registry));
        let (signals, sender, watchdog) = match process {
            Some(Process { signals, watchdog }) => (signals, None, Some(watchdog)),
            None => {
                let (sender, signals) = Signals::channel();
                (signals, Some(sender), None)
            }
        };
        let driver = Driver {
            runtime,
            machine,
            units,
            registry: registry.clone(),
            shared: shared.clone(),
            requests: requested,
            signals,
            leader: self.leader,
            watchdog,
            warnings: self.warnings,
            hooks,
        };
        Ok(Launch { driver, shared, registry, signals: sender })
    }
}

fn built_in(
    registry: &mut Registry,
    shared: &Arc<Shared>,
    info: &Arc<crate::info::AppInfo>,
) -> Result<(), DecoratorPanicked> {
    registry.insert(Arc::new(shared.clock.clone()))?;
    registry.insert(Arc::new(shared.entropy.clone()))?;
    registry.insert(Arc::new(shared.events.clone()))?;
    registry.insert(Arc::new(shared.health.clone()))?;
    registry.insert(Arc::new(shared.meter()))?;
    registry.insert(Arc::new(shared.pages.clone()))?;
    registry.insert(Arc::new(shared.readiness.clone()))?;
    registry.insert(Arc::new(shared.shutdown.clone()))?;
    registry.insert(Arc::new(shared.spawner.clone()))?;
    registry.insert(info.clone())
}

// === impl Running ===

impl Running {
    /// Stops the application as a signal would, and waits until it has stopped.
    pub async fn stop(self) -> Exit {
        self.handle.shared.shutdown.request("stop() was called", Exit::CLEAN);
        self.stopped().await
    }

    /// Waits until the application has stopped by itself.
    pub async fn stopped(self) -> Exit {
        let mut guard = self.task;
        let task = guard.0.as_mut().expect("it was put in the line above");
        let joined = task.await;
        guard.0.take();
        joined.unwrap_or_else(|error| Exit::new(Exit::RUNNABLE_FAILED, error.to_string()))
    }

    /// A handle that can be kept while this is awaited.
    pub fn handle(&self) -> AppHandle {
        self.handle.clone()
    }
}

impl Deref for Running {
    type Target = AppHandle;

    fn deref(&self) -> &AppHandle {
        &self.handle
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("ready", &self.readiness().is_ready())
            .finish_non_exhaustive()
    }
}

// === impl AppHandle ===

impl AppHandle {
    /// Sends the application a signal as if the process had received it.
    ///
    /// # Panics
    /// When `name` is none of SIGTERM, SIGINT and SIGQUIT.
    pub fn signal(&self, name: &str) {
        let all = [Signal::TERMINATE, Signal::INTERRUPT, Signal::QUIT];
        let signal = all.into_iter().find(|signal| signal.name == name);
        self.signals.send(signal.unwrap_or_else(|| panic!("{name} is not a signal that stops")));
    }

    /// What has been given, as a need of any kind: `app.get::<Arc<dyn OrderRepo>>()`.
    ///
    /// # Panics
    /// When nobody gives it.
    pub fn get<N: Needs>(&self) -> N {
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        N::take(&registry.resolver(&[])).unwrap_or_else(|missing| panic!("{missing}"))
    }

    /// The `T` that has been given, if one has.
    pub fn find<T: Injectable + ?Sized>(&self) -> Option<Arc<T>> {
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        registry.get::<T>(Key::of::<T>()).cloned()
    }

    /// The address that a module listens on: `app.address("http")`.
    pub fn address(&self, module: &str) -> Option<SocketAddr> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).get(module).copied()
    }

    /// The readiness of the application.
    pub fn readiness(&self) -> &Readiness {
        &self.shared.readiness
    }

    /// The health checks of the application.
    pub fn health(&self) -> &HealthRegistry {
        &self.shared.health
    }

    /// The pages of the application.
    pub fn pages(&self) -> &Pages {
        &self.shared.pages
    }

    /// The events of the application, from now on.
    pub fn events(&self) -> &Events {
        &self.shared.events
    }

    /// The handle that stops the application.
    pub fn shutdown(&self) -> &ShutdownHandle {
        &self.shared.shutdown
    }
}

impl fmt::Debug for AppHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppHandle")
            .field("ready", &self.readiness().is_ready())
            .finish_non_exhaustive()
    }
}

/// What is dropped, a start as well as a running application, takes everything with it.
struct AbortOnDrop(Option<JoinHandle<Exit>>);

// === impl AbortOnDrop ===

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}
