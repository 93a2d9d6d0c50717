//! What runs while the application does: loops, servers, consumers.

mod context;
mod run;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

pub use self::{
    context::{RunCx, Ticks},
    run::{Factory, Run},
};
use crate::error::Result;

/// Work that goes on until the application stops.
///
/// ```
/// # extern crate purlin_core as purlin;
/// # use std::time::Duration;
/// use purlin::{async_trait, error::Result, runnable::{RunCx, Runnable}};
///
/// struct Sweeper;
///
/// #[async_trait]
/// impl Runnable for Sweeper {
///     async fn run(&self, cx: RunCx) -> Result<()> {
///         let mut tick = cx.interval(Duration::from_millis(200));
///         cx.ready();
///         while tick.next().await.is_some() {
///             // One round of work.
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// # Lifecycle of a runnable
/// 1. [`init`](Self::init), then [`run`](Self::run), which calls [`RunCx::ready`] once it does its
///    work: the start waits for that. What ends or fails before fails the start.
/// 2. An error or a panic of `run` starts a *fresh* instance, made by the factory, after a back-off,
///    and degrades its health meanwhile; see [`Restart`]. An early `Ok` stops the application:
///    whatever was meant to run for ever and does not is a fault. See [`OnEnd`].
/// 3. At stop, tier by tier: [`graceful_shutdown`](Self::graceful_shutdown) is called while `run`
///    still runs, then [`RunCx::stopping`] resolves, then `run` is awaited. What takes longer than
///    its grace gets [`shutdown`](Self::shutdown), then the task is aborted and named in the report.
#[async_trait]
pub trait Runnable: Send + Sync + 'static {
    /// Prepares this instance, before its `run`.
    async fn init(&self) -> Result<()> {
        Ok(())
    }

    /// Does the work, until [`RunCx::stopping`].
    async fn run(&self, cx: RunCx) -> Result<()>;

    /// Stops the intake and drains. Dropped when its grace is over; until then the runnable has not
    /// ended, although its [`run`](Self::run) may have.
    async fn graceful_shutdown(&self) -> Result<()> {
        Ok(())
    }

    /// Stops hard, within a second (`lifecycle.hard_stop`). The task is aborted afterwards.
    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }
}

/// When a runnable stops, and in reverse when it starts: the smaller, the earlier it stops.
///
/// Within a tier runnables stop concurrently, except that a dependant stops before what it needs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tier(u16);

/// What follows when a runnable ends although nobody asked it to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OnEnd {
    /// After an error or a panic it is started again, as a fresh instance; after an early `Ok`, and
    /// past the limit, the application stops with exit code 1. The default.
    Restart(Restart),
    /// The application stops with exit code 1.
    StopApp,
    /// Nothing: it has done its work.
    Ignore,
}

/// How often, and how fast, a failed runnable is started again.
///
/// Defaults: 5 times within 60 s; the first time after 100 ms, then twice as long each time up to
/// 10 s, each with up to a fifth of jitter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Restart {
    /// So many restarts within [`within`](Self::within) are the most.
    pub limit: u32,
    /// The window in which restarts are counted.
    pub within: Duration,
    /// The wait before the first restart.
    pub base: Duration,
    /// The longest wait before a restart.
    pub cap: Duration,
}

/// One thing to run: what makes it, and how it is treated.
///
/// [`Init::run`](crate::init::Init::run) returns it to be refined:
/// ```
/// # extern crate purlin_core as purlin;
/// # use purlin::{async_trait, error::Result, init::Init, runnable::{RunCx, Runnable, Tier}};
/// # use std::time::Duration;
/// # struct Queue;
/// # #[async_trait]
/// # impl Runnable for Queue { async fn run(&self, cx: RunCx) -> Result<()> { Ok(()) } }
/// # fn register(cx: &mut Init) {
/// cx.run("mail queue", || Queue).tier(Tier::CONSUMERS).grace(Duration::from_secs(3));
/// # }
/// ```
pub struct RunSpec {
    pub(crate) name: String,
    pub(crate) make: Maker,
    pub(crate) tier: Tier,
    pub(crate) on_end: OnEnd,
    pub(crate) grace: Option<Duration>,
    pub(crate) leader_only: Option<String>,
}

pub(crate) type Maker = Arc<dyn Fn() -> Arc<dyn Runnable> + Send + Sync>;

// === impl Tier ===

impl Tier {
    /// Servers that accept requests.
    pub const INGRESS: Self = Self(100);
    /// Consumers of brokers and queues.
    pub const CONSUMERS: Self = Self(200);
    /// Loops and jobs. The default.
    pub const WORKERS: Self = Self(400);
    /// Tasks of the [`Spawner`](crate::spawner::Spawner), which others may wait for.
    pub const TASKS: Self = Self(600);
    /// Clients of other systems, which everything before may use to the end.
    pub const CLIENTS: Self = Self(800);

    /// A priority of your own: the smaller, the earlier it stops.
    pub const fn new(priority: u16) -> Self {
        Self(priority)
    }
}

impl Default for Tier {
    fn default() -> Self {
        Self::WORKERS
    }
}

impl fmt::Debug for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::INGRESS => f.write_str("ingress"),
            Self::CONSUMERS => f.write_str("consumers"),
            Self::WORKERS => f.write_str("workers"),
            Self::TASKS => f.write_str("tasks"),
            Self::CLIENTS => f.write_str("clients"),
            Self(other) => write!(f, "tier {other}"),
        }
    }
}

// === impl OnEnd ===

impl Default for OnEnd {
    fn default() -> Self {
        Self::Restart(Restart::default())
    }
}

// === impl Restart ===

impl Default for Restart {
    fn default() -> Self {
        Self {
            limit: 5,
            within: Duration::from_secs(60),
            base: Duration::from_millis(100),
            cap: Duration::from_secs(10),
        }
    }
}

impl Restart {
    /// The wait before restart number `attempt` (the first is 0), before jitter.
    pub fn delay(&self, attempt: u32) -> Duration {
        self.base.saturating_mul(2u32.saturating_pow(attempt)).min(self.cap)
    }
}

// === impl RunSpec ===

impl RunSpec {
    pub(crate) fn new(name: impl Into<String>, make: Maker) -> Self {
        Self {
            name: name.into(),
            make,
            tier: Tier::default(),
            on_end: OnEnd::default(),
            grace: None,
            leader_only: None,
        }
    }

    /// Sets when it stops; [`Tier::WORKERS`] by default.
    pub fn tier(&mut self, tier: Tier) -> &mut Self {
        self.tier = tier;
        self
    }

    /// Sets what follows when it ends by itself; [`OnEnd::Restart`] by default.
    pub fn on_end(&mut self, on_end: OnEnd) -> &mut Self {
        self.on_end = on_end;
        self
    }

    /// Sets how long its graceful stop may take; by default, what the total deadline allows.
    pub fn grace(&mut self, grace: Duration) -> &mut Self {
        self.grace = Some(grace);
        self
    }

    /// Runs it only where this instance leads `name`: one instance per term, through its factory.
    ///
    /// A module that gates a runnable says so in its plan:
    /// [`Plan::leader_only`](crate::plan::Plan::leader_only).
    pub fn leader_only(&mut self, name: impl Into<String>) -> &mut Self {
        self.leader_only = Some(name.into());
        self
    }
}

impl fmt::Debug for RunSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunSpec")
            .field("name", &self.name)
            .field("tier", &self.tier)
            .field("on_end", &self.on_end)
            .field("grace", &self.grace)
            .field("leader_only", &self.leader_only)
            .finish_non_exhaustive()
    }
}
