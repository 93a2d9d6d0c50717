use std::{fmt, future::Future, panic::Location, process::ExitCode, sync::Arc};

use serde_json::Value;

use super::{
    App, BuildError, IntoPart, Member, PartOf, Provider, Running, StartError, build, part::Part,
    run,
};
use crate::{
    clock::Clock,
    component::ComponentSet,
    config::{Config, Inputs, Shape},
    entropy::Entropy,
    event::Event,
    gives::Gift,
    graph::{Checks, Kind},
    info::Package,
    key::{Instance, Key, Name},
    leader::{LeaderConfig, LocalLeasesModule},
    lifecycle::LifecycleConfig,
    module::Module,
    needs::Injectable,
    registry::{DecoratorPanicked, Registry},
    runnable::{Run, RunSpec, Tier},
    shutdown::hook_spec,
    undo::Outcome,
};

/// Names the parts of an application.
///
/// Nothing happens until one of its last four methods is called: [`validate`](Self::validate) and
/// [`build`](Self::build) check, [`start`](Self::start) and [`run`](Self::run) do.
pub struct AppBuilder {
    pub(super) package: Option<Package>,
    pub(super) parts: Vec<Part>,
    pub(super) registry: Registry,
    pub(super) supplied: Vec<Supply>,
    pub(super) hooks: Vec<RunSpec>,
    pub(super) checks: Checks,
    pub(super) inputs: Inputs,
    pub(super) clock: Clock,
    pub(super) entropy: Entropy,
    pub(super) listeners: Vec<Box<dyn Fn(&Event) + Send + Sync>>,
}

/// Puts a value into the registry that is there from the beginning.
pub(super) type Supply = Box<dyn FnOnce(&mut Registry) -> Result<(), DecoratorPanicked> + Send>;

// === impl App ===

impl App {
    /// An application without parts. The facade's has telemetry and the admin server already.
    #[track_caller]
    pub fn builder() -> AppBuilder {
        AppBuilder::new()
    }
}

// === impl AppBuilder ===

impl AppBuilder {
    #[track_caller]
    fn new() -> Self {
        let builder = Self {
            package: None,
            parts: Vec::new(),
            registry: Registry::default(),
            supplied: Vec::new(),
            hooks: Vec::new(),
            checks: Checks::default(),
            inputs: Inputs::process(),
            clock: Clock::system(),
            entropy: Entropy::system(),
            listeners: Vec::new(),
        };
        let builder = builder.config::<LifecycleConfig>().config::<LeaderConfig>();
        builder.config::<super::RuntimeConfig>().fallback(LocalLeasesModule)
    }

    // --- what it is made of

    /// Sets name and version: `.package(purlin::package!())`. Without it the name is that of the
    /// executable, and the profile is prod.
    #[must_use]
    pub fn package(mut self, package: Package) -> Self {
        self.package = Some(package);
        self
    }

    /// Adds a module, or an [instance](Module::named) of one.
    #[must_use]
    #[track_caller]
    pub fn module(mut self, module: impl IntoPart) -> Self {
        let PartOf(part) = module.into_part(Location::caller());
        self.parts.push(part);
        self
    }

    /// Adds a module where `condition` holds.
    #[must_use]
    #[track_caller]
    pub fn module_if(self, condition: bool, module: impl IntoPart) -> Self {
        if condition { self.module(module) } else { self }
    }

    /// Adds an embedded default: it is started only where somebody needs what it gives and nobody
    /// else gives it.
    #[must_use]
    #[track_caller]
    pub fn fallback(mut self, module: impl IntoPart) -> Self {
        let PartOf(mut part) = module.into_part(Location::caller());
        part.node.fallback = true;
        self.parts.push(part);
        self
    }

    /// Adds a module of the shell: it starts before all others and stops after them. Telemetry and
    /// the admin server are such modules; the facade adds them.
    #[must_use]
    #[track_caller]
    pub fn shell(mut self, module: impl IntoPart) -> Self {
        let PartOf(mut part) = module.into_part(Location::caller());
        part.node.kind = Kind::Shell;
        self.parts.push(part);
        self
    }

    /// Adds a closure that is a module: its arguments are needs, and it gives what it returns.
    ///
    /// ```
    /// # extern crate purlin_core as purlin;
    /// # use std::sync::Arc;
    /// # use purlin::{app::App, clock::Clock};
    /// # struct Quotes(Clock);
    /// App::builder().provide(|clock: Clock| async move { Ok(Arc::new(Quotes(clock))) });
    /// ```
    #[must_use]
    #[track_caller]
    pub fn provide<Args, P: Provider<Args>>(mut self, provider: P) -> Self {
        self.parts.push(Part::provider(provider, Location::caller()));
        self
    }

    /// Adds a member of a group under a name: what another crate's parts, such as jobs, are made
    /// with.
    #[must_use]
    #[track_caller]
    pub fn member<T: Injectable + ?Sized>(mut self, member: impl Into<Member<T>>) -> Self {
        self.parts.push(member.into().into_part(Location::caller()));
        self
    }

    /// Gives a value that exists already.
    #[must_use]
    #[track_caller]
    pub fn supply<T: Injectable + ?Sized>(mut self, value: Arc<T>) -> Self {
        self.parts.push(Part::value::<T>(Kind::Supplied, Location::caller()));
        self.supplied.push(Box::new(move |registry| registry.insert(value)));
        self
    }

    /// Adds a section of the configuration. It is injected as `Arc<C>`, as read at start, or as
    /// [`Live<C>`](crate::config::Live).
    #[must_use]
    #[track_caller]
    pub fn config<C: Config>(mut self) -> Self {
        self.parts.push(Part::section::<C>(Location::caller()));
        self
    }

    /// Adds a set of components, declared with `components!`.
    #[must_use]
    #[track_caller]
    pub fn components<C: ComponentSet>(mut self) -> Self {
        self.parts.push(Part::set::<C>(Location::caller()));
        self
    }

    /// Gives a set of components, added before, the instance `N` wherever it needs a `T`.
    ///
    /// # Panics
    /// When the set has not been added.
    #[must_use]
    pub fn using<C: ComponentSet, N: Name, T: ?Sized + 'static>(mut self) -> Self {
        let set = Key::of::<C>();
        let part =
            self.parts.iter_mut().find(|part| part.node.gives.iter().any(|gift| gift.key == set));
        let part = part.expect("`using` comes after the `components` that it redirects");
        part.redirect(&[(Key::of::<T>(), Key::named::<N, T>())]);
        self
    }

    /// Adds something that runs while the application does.
    #[must_use]
    #[track_caller]
    pub fn runnable(mut self, run: Run) -> Self {
        self.parts.push(Part::runnable(run, Location::caller()));
        self
    }

    /// Calls `hook` at stop, in its tier: the smaller the tier, the earlier. It belongs to what runs:
    /// a start that fails before anything runs is undone, and calls no hook.
    #[must_use]
    pub fn on_stop<F, O>(
        mut self,
        name: impl Into<String>,
        tier: Tier,
        hook: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = O> + Send + 'static,
        O: Outcome,
    {
        self.hooks.push(hook_spec(name, tier, hook));
        self
    }

    /// Calls `listener` with every [`Event`]. It must not block.
    #[must_use]
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Says that `module`, written as it would be added, gives what `M` gives: an application that
    /// misses it is told to add it. The facade says so of all its modules.
    #[must_use]
    pub fn knows<M: Module>(mut self, module: &str) -> Self {
        let gifts = Gift::of::<M::Gives>();
        self.checks.known.extend(gifts.into_iter().map(|gift| (gift.key, module.to_owned())));
        self
    }

    // --- what is changed, in tests above all

    /// Puts `value` in the place of what a module or a component gives.
    ///
    /// A module whose every output is replaced is not started, and what only it needed is not
    /// needed.
    #[must_use]
    pub fn replace<T: Injectable + ?Sized>(self, value: Arc<T>) -> Self {
        self.replace_at(None, value)
    }

    /// [Replaces](Self::replace) the instance `N` of what is given:
    /// `.replace_named::<Analytics, Sqlite>(Arc::new(other))`.
    #[must_use]
    pub fn replace_named<N: Name, T: Injectable + ?Sized>(self, value: Arc<T>) -> Self {
        self.replace_at(Some(Instance::of::<N>()), value)
    }

    fn replace_at<T: Injectable + ?Sized>(
        mut self,
        instance: Option<Instance>,
        value: Arc<T>,
    ) -> Self {
        self.checks.replaced.push(Key::of::<T>().at(instance));
        self.registry.replace(instance, value);
        self
    }

    /// Wraps what a module or a component gives. Called once for each value.
    #[must_use]
    pub fn decorate<T: Injectable + ?Sized>(
        self,
        wrap: impl Fn(Arc<T>) -> Arc<T> + Send + Sync + 'static,
    ) -> Self {
        self.decorate_at(None, wrap)
    }

    /// [Wraps](Self::decorate) the instance `N` of what is given.
    #[must_use]
    pub fn decorate_named<N: Name, T: Injectable + ?Sized>(
        self,
        wrap: impl Fn(Arc<T>) -> Arc<T> + Send + Sync + 'static,
    ) -> Self {
        self.decorate_at(Some(Instance::of::<N>()), wrap)
    }

    fn decorate_at<T: Injectable + ?Sized>(
        mut self,
        instance: Option<Instance>,
        wrap: impl Fn(Arc<T>) -> Arc<T> + Send + Sync + 'static,
    ) -> Self {
        self.checks.decorated.push(Key::of::<T>().at(instance));
        self.registry.decorate(instance, wrap);
        self
    }

    /// Sets a key of the configuration, above every other layer: `.set("http.listen", ":0")`.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.inputs.overrides.push((key.into(), value.into()));
        self
    }

    /// Replaces what the configuration is read from: files, variables, profile.
    #[must_use]
    pub fn inputs(mut self, inputs: Inputs) -> Self {
        self.inputs = inputs;
        self
    }

    /// The keys of all fields of a shape. A test harness gives each `Listen` a free port, and each
    /// `DataDir` a throw-away directory.
    pub fn keys_of(&self, shape: &Shape) -> Vec<String> {
        let sections = self.parts.iter().filter_map(|part| part.node.section.as_ref());
        sections.flat_map(|section| section.keys_of(shape)).map(str::to_owned).collect()
    }

    /// What the configuration is read from, to be changed.
    pub fn inputs_mut(&mut self) -> &mut Inputs {
        &mut self.inputs
    }

    /// Replaces the clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Replaces the source of chance.
    #[must_use]
    pub fn entropy(mut self, entropy: Entropy) -> Self {
        self.entropy = entropy;
        self
    }

    // --- what is done with it

    /// Checks the graph, with the defaults of the configuration. Reads no file and no variable.
    ///
    /// # Errors
    /// [`BuildError`] with everything that is wrong.
    pub fn validate(self) -> Result<(), BuildError> {
        build::validate(self)
    }

    /// Checks the graph and the configuration, from files and environment. Does no other I/O.
    ///
    /// # Errors
    /// [`BuildError`] with everything that is wrong.
    pub fn build(self) -> Result<App, BuildError> {
        build::build(self)
    }

    /// Builds and starts, and returns once the application is ready.
    ///
    /// It installs nothing that a process has one of: no subscriber, no signal handler, no panic
    /// hook, no watchdog.
    ///
    /// # Errors
    /// [`StartError`] when it does not build, or the start fails; it has been undone then.
    pub async fn start(self) -> Result<Running, StartError> {
        self.build()?.start().await
    }

    /// Runs the application as the process that it is: parses the command line, reads the
    /// configuration, builds the runtime, installs signal handlers and the watchdog, starts, waits
    /// for the end, and returns the [exit code](crate::exit::Exit).
    pub fn run(self) -> ExitCode {
        run::run(self).into()
    }
}

impl fmt::Debug for AppBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.parts.iter().map(|part| &part.node.name).collect();
        f.debug_struct("AppBuilder").field("parts", &names).finish_non_exhaustive()
    }
}
