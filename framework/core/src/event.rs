//! What an application does, as typed events.
//!
//! The log, the start and stop reports, the metrics of the telemetry module and the spy of a test
//! all listen to the same events, so that they cannot tell different stories.

use std::{
    fmt,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{exit::Exit, needs::Handle, runnable::Tier};

/// One step in the life of an application.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The start has begun.
    Starting,
    /// A module begins to start.
    ModuleStarting {
        /// Its name.
        name: String,
    },
    /// A module has started.
    ModuleStarted {
        /// Its name.
        name: String,
        /// How long its `init` took.
        took: Duration,
        /// What it says of itself: `data/orders.db, 2 migrations applied`.
        detail: String,
    },
    /// A module has failed to start.
    ModuleFailed {
        /// Its name.
        name: String,
        /// How long it had been starting.
        took: Duration,
        /// The error with its causes.
        error: String,
    },
    /// A socket is bound.
    Listening {
        /// Who listens: `http`, `admin`.
        name: String,
        /// Where.
        address: SocketAddr,
    },
    /// A runnable has been started; it is not ready yet.
    RunnableStarted {
        /// Its name.
        name: String,
        /// How often it has been restarted before.
        restarts: u32,
    },
    /// A runnable does its work.
    RunnableReady {
        /// Its name.
        name: String,
        /// How long it took to get there.
        took: Duration,
    },
    /// A runnable has ended although nobody asked it to.
    RunnableEnded {
        /// Its name.
        name: String,
        /// How it ended.
        end: End,
        /// After which time it is started again, if it is.
        restart_in: Option<Duration>,
    },
    /// A runnable has stopped because it was asked to.
    RunnableStopped {
        /// Its name.
        name: String,
        /// Its tier.
        tier: Tier,
        /// How long that took.
        took: Duration,
        /// What it says of its stop: `34 connections closed`.
        detail: String,
        /// The error that it ended with, if it did.
        error: Option<String>,
    },
    /// Something failed while it was stopped. The stopping goes on.
    StopFailed {
        /// The runnable.
        name: String,
        /// How it went wrong.
        end: End,
    },
    /// A module or a runnable did not stop in its time and was aborted.
    Overran {
        /// Its name.
        name: String,
        /// The time it had.
        limit: Duration,
    },
    /// The application is ready: everything has started and ingress is open.
    Ready {
        /// The time since the start began.
        took: Duration,
        /// The modules that the start had to wait for, one after the other.
        critical_path: Vec<String>,
    },
    /// Stopping has begun.
    Stopping {
        /// Why.
        reason: String,
        /// The time that all of it may take.
        budget: Duration,
    },
    /// A further signal came while stopping.
    SignalIgnored {
        /// Which.
        signal: String,
        /// What it leads to.
        consequence: &'static str,
    },
    /// The time in which load balancers could notice that this instance is not ready has passed.
    DrainDelayed {
        /// How long it was.
        took: Duration,
    },
    /// Something that was acquired at start has been undone.
    Undone {
        /// The module that had registered it.
        owner: String,
        /// What was done.
        what: String,
        /// How long that took.
        took: Duration,
        /// The error, if there was one.
        error: Option<String>,
    },
    /// Something works and is probably not meant.
    Warning {
        /// What.
        text: String,
    },
    /// A value of the configuration changed while running.
    ConfigChanged {
        /// The section.
        section: String,
    },
    /// Leadership was won.
    LeadershipAcquired {
        /// Of what.
        name: String,
        /// The fencing token of the term.
        token: u64,
    },
    /// Leadership has ended.
    LeadershipLost {
        /// Of what.
        name: String,
        /// The fencing token of the term.
        token: u64,
        /// Why: `handed over`, or how it was lost.
        reason: String,
    },
    /// A supervised task has panicked.
    TaskPanicked {
        /// The name under which it was spawned.
        name: String,
        /// The message of the panic.
        message: String,
    },
    /// Everything has stopped.
    Stopped {
        /// The time since stopping began.
        took: Duration,
        /// The exit code and its reason.
        exit: Exit,
    },
}

/// How a runnable has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With `Ok`.
    Finished,
    /// With an error: its text with all causes.
    Failed(String),
    /// With a panic: its message.
    Panicked(String),
}

/// The events of one application. A built-in need; cheap to clone.
#[derive(Clone, Default)]
pub struct Events(Arc<Mutex<Vec<Listener>>>);

type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

// === impl Events ===

impl Events {
    /// Calls `listener` with every event from now on, on the task where it happens: it must not
    /// block. When it panics it misses that event.
    pub fn listen(&self, listener: impl Fn(&Event) + Send + Sync + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(listener));
    }

    pub(crate) fn emit(&self, event: Event) {
        let listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for listener in listeners {
            // What listens must not harm what it listens to; the panic hook has told of it.
            let _ = catch_unwind(AssertUnwindSafe(|| listener(&event)));
        }
    }
}

impl Handle for Events {}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}

// === impl End ===

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("ended early"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
        }
    }
}
