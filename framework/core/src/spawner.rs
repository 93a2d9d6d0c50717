//! Tasks that somebody owns.

use std::{
    any::Any,
    collections::BTreeMap,
    fmt,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    ambient,
    clock::{Clock, Elapsed},
    event::{Event, Events},
    needs::Handle,
};

/// Spawns tasks that have a name, a stop signal, a deadline, and someone who awaits them.
///
/// ```
/// # use purlin_core::spawner::Spawner;
/// # async fn example(spawner: Spawner) -> Result<(), purlin_core::spawner::TaskError> {
/// let sum = spawner.spawn("sum", async { 1 + 1 }).await?;
/// assert_eq!(sum, 2);
/// # Ok(())
/// # }
/// ```
///
/// It is a built-in need. Its tasks stop in [`Tier::TASKS`](crate::runnable::Tier::TASKS), after the
/// workers and before the clients: [`stopping`](Self::stopping) resolves then, and what has not
/// ended at its deadline is aborted and named. A panic is an event and an error for whoever awaits
/// the task, never a silent death.
#[derive(Clone)]
pub struct Spawner(Arc<Inner>);

struct Inner {
    clock: Clock,
    events: Events,
    tracker: TaskTracker,
    stop: CancellationToken,
    next: AtomicU64,
    running: Mutex<BTreeMap<u64, (Arc<str>, Option<AbortHandle>)>>,
}

/// A spawned task; awaits its output. Dropping it leaves the task running.
#[derive(Debug)]
pub struct Task<T>(JoinHandle<Result<T, TaskError>>);

/// Why a task has no output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// It panicked.
    #[error("task `{name}` panicked: {message}")]
    Panicked {
        /// The name of the task.
        name: Arc<str>,
        /// The message of the panic.
        message: String,
    },
    /// It was aborted, because the application stopped.
    #[error("the task was aborted, because the application stopped")]
    Aborted,
    /// It took longer than it may.
    #[error("task `{name}` {elapsed}")]
    TimedOut {
        /// The name of the task.
        name: Arc<str>,
        /// The time it had.
        elapsed: Elapsed,
    },
}

// === impl Spawner ===

impl Spawner {
    pub(crate) fn new(clock: Clock, events: Events) -> Self {
        Self(Arc::new(Inner {
            clock,
            events,
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            next: AtomicU64::new(0),
            running: Mutex::default(),
        }))
    }

    /// Runs `future` as a task of its own.
    pub fn spawn<F>(&self, name: impl Into<Arc<str>>, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let name = name.into();
        let entry = self.enter(name.clone());
        let id = entry.id;
        let events = self.0.events.clone();
        let guarded = ambient::carry(AssertUnwindSafe(future).catch_unwind());
        let supervised = async move {
            let entry = entry;
            let outcome = guarded.await.map_err(|panic| {
                let message = panic_message(&*panic);
                events
                    .emit(Event::TaskPanicked { name: name.to_string(), message: message.clone() });
                TaskError::Panicked { name, message }
            });
            drop(entry);
            outcome
        };
        self.start(id, supervised)
    }

    /// Runs blocking work on a thread of its own. It cannot be aborted: keep it short, or look at
    /// [`is_stopping`](Self::is_stopping).
    pub fn spawn_blocking<T: Send + 'static>(
        &self,
        name: impl Into<Arc<str>>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Task<T> {
        let blocking = tokio::task::spawn_blocking(work);
        self.spawn(name, async move {
            match blocking.await {
                Ok(output) => output,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => std::future::pending().await,
                },
            }
        })
    }

    /// Runs `future` to its end, at most for `limit`, even when the caller is cancelled: for what
    /// must not be left half done because a request was given up.
    ///
    /// # Errors
    /// [`TaskError`] when it panicked, took longer than `limit`, or the application stopped.
    pub async fn detached<F>(
        &self,
        name: impl Into<Arc<str>>,
        limit: Duration,
        future: F,
    ) -> Result<F::Output, TaskError>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let (name, clock) = (name.into(), self.0.clock.clone());
        let limited = async move { clock.timeout(limit, future).await };
        let outcome = self.spawn(name.clone(), limited).await?;
        outcome.map_err(|elapsed| TaskError::TimedOut { name, elapsed })
    }

    /// Waits until the tasks are to stop.
    pub async fn stopping(&self) {
        self.0.stop.cancelled().await;
    }

    /// Whether the tasks are to stop.
    pub fn is_stopping(&self) -> bool {
        self.0.stop.is_cancelled()
    }

    /// Tells the tasks to stop, and waits until all have ended.
    pub(crate) async fn drain(&self) {
        self.0.stop.cancel();
        self.0.tracker.close();
        self.0.tracker.wait().await;
    }

    /// Aborts what still runs, and names it.
    pub(crate) fn abort(&self) -> Vec<String> {
        let running = self.running();
        running
            .values()
            .map(|(name, abort)| {
                abort.iter().for_each(AbortHandle::abort);
                name.to_string()
            })
            .collect()
    }

    fn enter(&self, name: Arc<str>) -> Entry {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.running().insert(id, (name, None));
        Entry { spawner: self.clone(), id }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the supervisor that others are sent to")]
    fn start<T: Send + 'static>(
        &self,
        id: u64,
        task: impl Future<Output = Result<T, TaskError>> + Send + 'static,
    ) -> Task<T> {
        let task = tokio::spawn(self.0.tracker.track_future(task));
        // It may have ended, and left the list, by now.
        if let Some((_, abort)) = self.running().get_mut(&id) {
            *abort = Some(task.abort_handle());
        }
        Task(task)
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<u64, (Arc<str>, Option<AbortHandle>)>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle for Spawner {}

impl fmt::Debug for Spawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.running().values().map(|(name, _)| name.clone()).collect();
        f.debug_tuple("Spawner").field(&names).finish()
    }
}

/// A task's place in the list of those that run.
struct Entry {
    spawner: Spawner,
    id: u64,
}

// === impl Entry ===

impl Drop for Entry {
    fn drop(&mut self) {
        self.spawner.running().remove(&self.id);
    }
}

// === impl Task ===

impl<T> Task<T> {
    /// Stops the task at its next await.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|joined| joined.unwrap_or(Err(TaskError::Aborted)))
    }
}

/// The message of a panic, as the standard hook shows it.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
