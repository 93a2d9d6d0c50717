//! What a module registers while it starts.

use std::{fmt, future::Future, net::SocketAddr, sync::Arc};

use crate::{
    app::Shared,
    clock::Clock,
    config::Origin,
    entropy::Entropy,
    event::Event,
    health::HealthCheck,
    meter::Meter,
    page::Page,
    runnable::{RunSpec, Runnable},
    shutdown::ShutdownHandle,
    spawner::Spawner,
    undo::{Outcome, Undo},
};

/// A module's handle on the engine, during its [`init`](crate::module::Module::init).
///
/// ```
/// # extern crate purlin_core as purlin;
/// # use std::sync::Arc;
/// # use purlin::{async_trait, error::Result, health::{HealthCheck, Stats}, init::Init,
/// #     runnable::{RunCx, Runnable, Tier}};
/// # struct Smtp;
/// # impl Smtp { async fn close(&self) {} }
/// # #[async_trait]
/// # impl HealthCheck for Smtp { async fn check(&self) -> Result<Stats> { Ok(Stats::new()) } }
/// # struct Queue(Arc<Smtp>);
/// # #[async_trait]
/// # impl Runnable for Queue { async fn run(&self, cx: RunCx) -> Result<()> { Ok(()) } }
/// # fn init(smtp: Arc<Smtp>, cx: &mut Init) {
/// cx.undo("close the SMTP connection", &smtp, |smtp| async move { smtp.close().await });
/// cx.health("smtp", &smtp);
/// let queue = smtp.clone();
/// cx.run("mail queue", move || Queue(queue.clone())).tier(Tier::WORKERS);
/// # }
/// ```
pub struct Init {
    name: Arc<str>,
    section: String,
    shell: bool,
    shared: Arc<Shared>,
    pub(crate) runs: Vec<RunSpec>,
    pub(crate) detail: String,
}

// === impl Init ===

impl Init {
    pub(crate) fn new(name: Arc<str>, section: String, shell: bool, shared: Arc<Shared>) -> Self {
        Self { name, section, shell, shared, runs: Vec::new(), detail: String::new() }
    }

    /// Runs what `make` makes, once the module has started, until the application stops. `make` is
    /// called again for each restart.
    pub fn run<R: Runnable>(
        &mut self,
        name: impl Into<String>,
        make: impl Fn() -> R + Send + Sync + 'static,
    ) -> &mut RunSpec {
        self.runs.push(RunSpec::new(name, Arc::new(move || Arc::new(make()))));
        self.runs.last_mut().expect("it was pushed in the line above")
    }

    /// Registers how something is given back: at stop, and when the start fails from here on.
    ///
    /// Call it right after each acquisition, before the next `await`: an `init` can be cancelled at
    /// any of them.
    pub fn undo<T, F>(
        &mut self,
        what: impl Into<String>,
        of: &Arc<T>,
        undo: impl FnOnce(Arc<T>) -> F + Send + 'static,
    ) where
        T: ?Sized + Send + Sync + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        self.shared.undos.push(Undo::new(&self.name, what, self.shell, of, undo));
    }

    /// Registers a health check.
    pub fn health<H: HealthCheck>(&mut self, name: impl Into<String>, check: &Arc<H>) {
        self.shared.health.register(name, check.clone());
    }

    /// Registers a page of the admin port.
    pub fn page(&mut self, name: impl Into<String>, page: Arc<dyn Page>) {
        self.shared.pages.register(name, page);
    }

    /// Sets what the start report says of the module: `data/orders.db, 2 migrations applied`.
    pub fn detail(&mut self, detail: impl Into<String>) {
        self.detail = detail.into();
    }

    /// Reports that a socket is bound.
    pub fn listening(&mut self, address: SocketAddr) {
        self.shared.events.emit(Event::Listening { name: self.name.to_string(), address });
    }

    /// The section of the configuration that the module was given.
    pub fn section(&self) -> &str {
        &self.section
    }

    /// Where a field of that section was set, for a message about its value: `app.yaml:2:3`.
    /// `None` where it is not set, and has no default.
    pub fn origin(&self, field: &str) -> Option<Origin> {
        self.shared.settings.origin(&format!("{}.{field}", self.section))
    }

    /// The meter of the application.
    pub fn meter(&self) -> Meter {
        self.shared.meter()
    }

    /// The clock of the application.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// The entropy of the application.
    pub fn entropy(&self) -> &Entropy {
        &self.shared.entropy
    }

    /// The supervisor of tasks that end by themselves.
    pub fn spawner(&self) -> &Spawner {
        &self.shared.spawner
    }

    /// The handle that stops the application.
    pub fn shutdown(&self) -> &ShutdownHandle {
        &self.shared.shutdown
    }

    /// Whether this application owns its process, because it was started by `run()`: only then may
    /// a module install what a process has one of, such as a subscriber.
    pub fn owns_process(&self) -> bool {
        self.shared.owns_process
    }
}

impl fmt::Debug for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Init")
            .field("name", &self.name)
            .field("section", &self.section)
            .field("runs", &self.runs)
            .finish_non_exhaustive()
    }
}
