use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, Interval},
    entropy::Entropy,
    leader::Term,
};

/// What a runnable knows of its application.
#[derive(Clone)]
pub struct RunCx(Arc<Inner>);

struct Inner {
    name: String,
    clock: Clock,
    entropy: Entropy,
    stop: CancellationToken,
    ready: Box<dyn Fn() + Send + Sync>,
    term: Option<Term>,
    detail: Arc<Mutex<String>>,
}

/// A steady tick that ends when stopping begins, or leadership does.
#[derive(Debug)]
pub struct Ticks {
    interval: Interval,
    stop: CancellationToken,
}

// === impl RunCx ===

impl RunCx {
    pub(crate) fn new(
        name: impl Into<String>,
        clock: Clock,
        entropy: Entropy,
        stop: CancellationToken,
        ready: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let ready = Box::new(ready);
        let (name, detail) = (name.into(), Arc::default());
        Self(Arc::new(Inner { name, clock, entropy, stop, ready, term: None, detail }))
    }

    /// The same for one term of leadership, which ends with `stop`.
    pub(crate) fn for_term(&self, term: Term, stop: CancellationToken) -> Self {
        let Inner { name, clock, entropy, detail, .. } = &*self.0;
        Self(Arc::new(Inner {
            name: name.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
            stop,
            ready: Box::new(|| {}),
            term: Some(term),
            detail: detail.clone(),
        }))
    }

    /// A context for calling a runnable by hand, in a unit test: it stops when `stop` is cancelled.
    pub fn detached(name: impl Into<String>, stop: CancellationToken) -> Self {
        Self::new(name, Clock::system(), Entropy::system(), stop, || {})
    }

    /// Says that the work has begun: sockets are bound, subscriptions are made. The start waits for
    /// it. Further calls do nothing.
    pub fn ready(&self) {
        (self.0.ready)();
    }

    /// Waits until stopping begins; for a leader-only runnable, until its term ends if that is
    /// sooner.
    pub async fn stopping(&self) {
        self.0.stop.cancelled().await;
    }

    /// Whether stopping has begun.
    pub fn is_stopping(&self) -> bool {
        self.0.stop.is_cancelled()
    }

    /// The token behind [`stopping`](Self::stopping), for libraries that take one.
    pub fn stop_token(&self) -> CancellationToken {
        self.0.stop.clone()
    }

    /// Ticks every `period` until stopping begins.
    ///
    /// # Panics
    /// When `period` is zero.
    pub fn interval(&self, period: Duration) -> Ticks {
        Ticks { interval: self.0.clock.interval(period), stop: self.0.stop.clone() }
    }

    /// The term of leadership with its fencing token.
    ///
    /// # Panics
    /// When the runnable was not registered with `.leader_only(..)`.
    pub fn term(&self) -> &Term {
        let Inner { name, term, .. } = &*self.0;
        term.as_ref().unwrap_or_else(|| {
            panic!("`{name}` asked for its term, but is not gated: add `.leader_only(\"{name}\")`")
        })
    }

    /// Adds a line to the stop report: `34 connections closed`. The last call counts.
    pub fn report(&self, detail: impl Into<String>) {
        *self.0.detail.lock().unwrap_or_else(PoisonError::into_inner) = detail.into();
    }

    pub(crate) fn detail(&self) -> String {
        self.0.detail.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The name under which it was registered.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The clock of the application.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The entropy of the application.
    pub fn entropy(&self) -> &Entropy {
        &self.0.entropy
    }
}

impl fmt::Debug for RunCx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunCx")
            .field("name", &self.0.name)
            .field("stopping", &self.is_stopping())
            .field("term", &self.0.term)
            .finish_non_exhaustive()
    }
}

// === impl Ticks ===

impl Ticks {
    /// Waits for the next tick; `None` once stopping has begun.
    pub async fn next(&mut self) -> Option<()> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            _ = self.interval.tick() => Some(()),
        }
    }
}
