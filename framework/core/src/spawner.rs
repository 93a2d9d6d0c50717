//! Tasks that somebody owns.

use std::{
    any::Any,
    collections::BTreeMap,
    fmt,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tracing::Instrument as _;

use crate::{
    ambient,
    clock::{Clock, Elapsed},
    event::{Event, Events},
    needs::Handle,
    trace::{self, CorrelationId},
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
/// A task goes on with the trace, the [`CorrelationId`] and the fields on log lines of whoever spawned
/// it, in a span of its own.
///
/// It is a built-in need. Its tasks stop in [`Tier::TASKS`](crate::runnable::Tier::TASKS), after the
/// workers and before the clients: [`stopping`](Self::stopping) resolves then, and what has not
/// ended at its deadline is aborted and named. Until all have ended, a task may spawn others; what
/// comes later is not begun, and its [`Task`] says so. A panic is an event and an error for whoever
/// awaits the task, never a silent death.
#[derive(Clone)]
pub struct Spawner(Arc<Inner>);

struct Inner {
    runtime: tokio::runtime::Handle,
    clock: Clock,
    events: Events,
    tracker: TaskTracker,
    /// Tells the tasks to come to an end.
    stop: CancellationToken,
    /// Drops the tasks where they are.
    abort: CancellationToken,
    tasks: Mutex<Tasks>,
}

/// Which tasks there are. What enters is tracked under the same lock that closes, so that none is
/// forgotten in between.
#[derive(Default)]
struct Tasks {
    running: BTreeMap<u64, Arc<str>>,
    next: u64,
    closed: bool,
}

/// A spawned task; awaits its output. Dropping it leaves the task running.
#[derive(Debug)]
pub struct Task<T>(Begun<T>);

#[derive(Debug)]
enum Begun<T> {
    Yes(JoinHandle<Result<T, TaskError>>),
    No { name: Arc<str> },
}

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
    /// It came after the application had stopped its tasks, and was not begun.
    #[error("task `{name}` was not begun, because the application has stopped its tasks")]
    Refused {
        /// The name of the task.
        name: Arc<str>,
    },
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
    pub(crate) fn new(runtime: tokio::runtime::Handle, clock: Clock, events: Events) -> Self {
        Self(Arc::new(Inner {
            runtime,
            clock,
            events,
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
            tasks: Mutex::default(),
        }))
    }

    /// Runs `future` as a task of its own, on the runtime of the application, wherever this is
    /// called.
    pub fn spawn<F>(&self, name: impl Into<Arc<str>>, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let name = name.into();
        let Some(entry) = self.enter(&name) else {
            tracing::warn!(task = &*name, "not begun: the application has stopped its tasks");
            return Task(Begun::No { name });
        };
        let span =
            tracing::info_span!("task", otel.name = format_args!("task {name}"), task = &*name);
        let guarded = ambient::carry(AssertUnwindSafe(future).catch_unwind());
        let guarded = CorrelationId::scope(CorrelationId::current(), guarded).instrument(span);
        let guarded = trace::within(trace::carried(), guarded);
        let supervised = async move {
            let Inner { abort, events, .. } = &*entry.spawner.0;
            let Some(outcome) = abort.run_until_cancelled(guarded).await else {
                return Err(TaskError::Aborted);
            };
            outcome.map_err(|panic| {
                let message = panic_message(&*panic);
                events
                    .emit(Event::TaskPanicked { name: name.to_string(), message: message.clone() });
                TaskError::Panicked { name, message }
            })
        };
        Task(Begun::Yes(self.0.runtime.spawn(supervised)))
    }

    /// Runs blocking work on a thread of its own. It cannot be aborted: keep it short, or look at
    /// [`is_stopping`](Self::is_stopping).
    pub fn spawn_blocking<T: Send + 'static>(
        &self,
        name: impl Into<Arc<str>>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Task<T> {
        self.spawn(name, async move {
            match tokio::task::spawn_blocking(work).await {
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
    /// [`TaskError`] when it panicked, took longer than `limit`, or the application stopped before or
    /// meanwhile.
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

    /// The names of the tasks that run, the oldest first.
    pub fn names(&self) -> Vec<Arc<str>> {
        self.tasks().running.values().cloned().collect()
    }

    /// Tells the tasks to stop, and waits until all have ended. From then on none is begun.
    pub(crate) async fn drain(&self) {
        self.0.stop.cancel();
        self.0.tracker.close();
        loop {
            self.0.tracker.wait().await;
            let mut tasks = self.tasks();
            // The last one may have spawned another.
            if tasks.running.is_empty() {
                tasks.closed = true;
                return;
            }
        }
    }

    /// Aborts what still runs, and names it. From now on none is begun.
    pub(crate) fn abort(&self) -> Vec<String> {
        let aborted = {
            let mut tasks = self.tasks();
            tasks.closed = true;
            tasks.running.values().map(ToString::to_string).collect()
        };
        self.0.abort.cancel();
        aborted
    }

    /// Aborts the tasks when it is dropped: for the owner of the application.
    pub(crate) fn abort_on_drop(&self) -> AbortOnDrop {
        AbortOnDrop(self.clone())
    }

    fn enter(&self, name: &Arc<str>) -> Option<Entry> {
        let mut tasks = self.tasks();
        if tasks.closed {
            return None;
        }
        let id = tasks.next;
        tasks.next += 1;
        tasks.running.insert(id, name.clone());
        Some(Entry { spawner: self.clone(), id, _tracked: self.0.tracker.token() })
    }

    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle for Spawner {}

impl fmt::Debug for Spawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spawner").field(&self.names()).finish()
    }
}

/// Aborts the tasks of an application that goes.
pub(crate) struct AbortOnDrop(Spawner);

// === impl AbortOnDrop ===

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A task's place in the list of those that run.
struct Entry {
    spawner: Spawner,
    id: u64,
    // After its place in the list is gone: fields are dropped last.
    _tracked: TaskTrackerToken,
}

// === impl Entry ===

impl Drop for Entry {
    fn drop(&mut self) {
        self.spawner.tasks().running.remove(&self.id);
    }
}

// === impl Task ===

impl<T> Task<T> {
    /// Stops the task at its next await.
    pub fn abort(&self) {
        if let Begun::Yes(task) = &self.0 {
            task.abort();
        }
    }

    #[cfg(test)]
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.0, Begun::No { .. })
    }

    /// Whether the task has ended, or was never begun.
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Begun::Yes(task) => task.is_finished(),
            Begun::No { .. } => true,
        }
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Begun::Yes(task) => {
                Pin::new(task).poll(cx).map(|joined| joined.unwrap_or(Err(TaskError::Aborted)))
            }
            Begun::No { name } => Poll::Ready(Err(TaskError::Refused { name: name.clone() })),
        }
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
