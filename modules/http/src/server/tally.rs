use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use purlin::meter::{Meter, label};
use purlin_serve::Stats;

use crate::metrics::{self, ACCEPT_ERRORS, ACCEPTED, CONNECTIONS, CUT};

/// What a server has counted, over all of its instances: a counter does not fall because a server
/// was started again.
#[derive(Default)]
pub(crate) struct Tally(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// The figures of the instance that runs.
    running: Stats,
    /// The sum of those that have ended.
    ended: Counts,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Counts {
    accepted: u64,
    accept_errors: u64,
    slow: u64,
    abusive: u64,
    no_tls: u64,
    panicked: u64,
}

// === impl Tally ===

impl Tally {
    /// Goes on with another instance.
    pub(crate) fn begin(&self, stats: Stats) {
        let mut inner = self.inner();
        inner.ended = inner.counts();
        inner.running = stats;
    }

    /// How many connections are open.
    pub(crate) fn connections(&self) -> usize {
        self.inner().running.connections()
    }

    /// Shows it as metrics.
    pub(crate) fn observe(self: &Arc<Self>, meter: &Meter) {
        let tally = self.clone();
        metrics::observe(meter, &CONNECTIONS, move || {
            i64::try_from(tally.connections()).unwrap_or(i64::MAX)
        });
        let read = |count: fn(&Counts) -> u64| {
            let tally = self.clone();
            move || i64::try_from(count(&tally.counts())).unwrap_or(i64::MAX)
        };
        metrics::observe(meter, &ACCEPTED, read(|counts| counts.accepted));
        metrics::observe(meter, &ACCEPT_ERRORS, read(|counts| counts.accept_errors));
        let tally = self.clone();
        meter.observe(&CUT, move |observer| {
            let Counts { slow, abusive, no_tls, panicked, .. } = tally.counts();
            let reasons =
                [("slow", slow), ("abusive", abusive), ("no_tls", no_tls), ("panicked", panicked)];
            for (reason, count) in reasons {
                observer.observe(count as f64, &[label("reason", reason)]);
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

// === impl Inner ===

impl Inner {
    fn counts(&self) -> Counts {
        let Self { running, ended } = self;
        Counts {
            accepted: ended.accepted + running.accepted(),
            accept_errors: ended.accept_errors + running.accept_errors(),
            slow: ended.slow + running.timed_out(),
            abusive: ended.abusive + running.abused(),
            no_tls: ended.no_tls + running.failed_handshakes(),
            panicked: ended.panicked + running.panicked(),
        }
    }
}
