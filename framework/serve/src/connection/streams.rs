use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use hyper::rt::{Executor, Sleep, Timer};
use purlin_core::clock::{Clock, Instant};
use tokio::task::JoinSet;

use super::{Terms, offer};
use crate::{Cut, Stats};

/// The requests of one HTTP/2 connection, each a task; they end with this.
pub(super) struct Streams {
    tasks: Arc<Mutex<JoinSet<()>>>,
    terms: Arc<Terms>,
}

/// Starts tasks among [`Streams`], which it does not keep alive: hyper puts it into each of them.
#[derive(Clone)]
pub(super) struct Starter {
    tasks: Weak<Mutex<JoinSet<()>>>,
    terms: Arc<Terms>,
}

/// The injected clock, for hyper.
#[derive(Clone)]
pub(super) struct Timekeeper {
    clock: Clock,
    /// What hyper is told for the clock's beginning.
    start: std::time::Instant,
}

struct Sleeping<F>(F);

/// Counts a request that ends in a panic.
struct Watched(Stats);

// === impl Streams ===

impl Streams {
    pub(super) fn new(terms: Arc<Terms>) -> Self {
        Self { tasks: Arc::default(), terms }
    }

    pub(super) fn starter(&self) -> Starter {
        Starter { tasks: Arc::downgrade(&self.tasks), terms: Arc::clone(&self.terms) }
    }
}

// === impl Starter ===

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Starter {
    fn execute(&self, request: F) {
        let Some(tasks) = self.tasks.upgrade() else {
            return;
        };
        let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        let (watched, terms) = (Watched(self.terms.stats.clone()), Arc::clone(&self.terms));
        let requests = self.terms.requests.clone();
        tasks.spawn(requests.track_future(async move {
            let _watched = watched;
            offer::taken(request, &terms).await;
        }));
    }
}

// === impl Watched ===

impl Drop for Watched {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.bear_no_longer(Cut::Panicked);
        }
    }
}

// === impl Timekeeper ===

impl Timekeeper {
    #[expect(
        clippy::disallowed_methods,
        reason = "hyper counts from some moment; which is the same"
    )]
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, start: std::time::Instant::now() }
    }
}

impl Timer for Timekeeper {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn Sleep>> {
        let clock = self.clock.clone();
        let until = Instant::START + deadline.saturating_duration_since(self.start);
        Box::pin(Sleeping(Box::pin(async move { clock.sleep_until(until).await })))
    }

    fn now(&self) -> std::time::Instant {
        self.start + self.clock.now().since(Instant::START)
    }
}

// === impl Sleeping ===

impl<F: Future<Output = ()> + Unpin> Future for Sleeping<F> {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<F: Future<Output = ()> + Send + Sync + Unpin> Sleep for Sleeping<F> {}
