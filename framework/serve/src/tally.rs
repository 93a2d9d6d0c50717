use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use purlin_core::meter::{Meter, Metric, label};

use crate::{
    Cut, Limits, Stats,
    metrics::{ACCEPT_ERRORS, ACCEPTED, CONNECTIONS, CUT, IDLE_CLOSED, MAX_CONNECTIONS, QUEUED},
};

/// What a server has counted, over all of its instances: a counter does not fall because a server
/// was started again.
///
/// ```
/// # use std::sync::Arc;
/// # use purlin_core::meter::Meter;
/// use purlin_serve::{Limits, Stats, Tally};
///
/// # let (meter, limits) = (Meter::noop(), Limits::default());
/// let tally = Arc::new(Tally::default());
/// tally.observe(&meter, "http", &limits);
/// tally.begin(Stats::default());   // `Server::stats`, for each instance
/// assert_eq!(tally.connections(), 0);
/// ```
#[derive(Default)]
pub struct Tally(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// The figures of the instance that runs.
    running: Stats,
    /// The sum of those that have ended.
    ended: Counts,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    accepted: u64,
    accept_errors: u64,
    queued: u64,
    idle_closed: u64,
    cut: [u64; Cut::ALL.len()],
}

// === impl Tally ===

impl Tally {
    /// Goes on with another instance.
    pub fn begin(&self, stats: Stats) {
        let mut inner = self.inner();
        inner.ended = inner.counts();
        inner.running = stats;
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.inner().running.connections()
    }

    /// Shows it as [metrics](crate::metrics) of the server that has this name: its section of the
    /// configuration.
    ///
    /// They are read when they are collected, and cost a connection nothing.
    pub fn observe(self: &Arc<Self>, meter: &Meter, server: &str, limits: &Limits) {
        let server: Arc<str> = server.into();
        let show = |metric: &Metric, read: Box<dyn Fn(&Self) -> u64 + Send + Sync>| {
            let (tally, server) = (self.clone(), server.clone());
            meter.observe(metric, move |observer| {
                observer.observe(read(&tally) as f64, &[label("server", server.clone())]);
            });
        };
        let most = limits.max_connections as u64;
        show(&CONNECTIONS, Box::new(|tally| tally.connections() as u64));
        show(&MAX_CONNECTIONS, Box::new(move |_| most));
        show(&ACCEPTED, Box::new(|tally| tally.counts().accepted));
        show(&QUEUED, Box::new(|tally| tally.counts().queued));
        show(&IDLE_CLOSED, Box::new(|tally| tally.counts().idle_closed));
        show(&ACCEPT_ERRORS, Box::new(|tally| tally.counts().accept_errors));
        let (tally, server) = (self.clone(), server.clone());
        meter.observe(&CUT, move |observer| {
            for (reason, count) in Cut::ALL.iter().zip(tally.counts().cut) {
                let labels = [label("server", server.clone()), label("reason", reason.as_str())];
                observer.observe(count as f64, &labels);
            }
        });
    }

    fn counts(&self) -> Counts {
        self.inner().counts()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally").field("connections", &self.connections()).finish_non_exhaustive()
    }
}

// === impl Inner ===

impl Inner {
    fn counts(&self) -> Counts {
        let Self { running, ended } = self;
        Counts {
            accepted: ended.accepted + running.accepted(),
            accept_errors: ended.accept_errors + running.accept_errors(),
            queued: ended.queued + running.queued(),
            idle_closed: ended.idle_closed + running.idle_closed(),
            cut: std::array::from_fn(|at| ended.cut[at] + running.cut(Cut::ALL[at])),
        }
    }
}
