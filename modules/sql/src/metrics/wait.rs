//! The wait for a connection, measured.

use purlin::clock::{Clock, Instant};

use super::{Metrics, Role, figures::add};
use crate::handle::Settings;

/// Measures a wait until it is dropped.
pub(crate) struct Waiting<'a> {
    metrics: &'a Metrics,
    clock: &'a Clock,
    begun: Instant,
    role: Role,
}

/// Why there was no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unavailable {
    TimedOut,
    Closed,
    Failed,
}

// === impl Waiting ===

impl<'a> Waiting<'a> {
    pub(crate) fn begin(settings: &'a Settings, role: Role) -> Self {
        let Settings { metrics, clock, .. } = settings;
        Self { metrics, clock, begun: clock.now(), role }
    }

    /// Takes down that there is none.
    pub(crate) fn fail(&self, error: &sqlx::Error) {
        let reason = match error {
            sqlx::Error::PoolTimedOut => Unavailable::TimedOut,
            sqlx::Error::PoolClosed => Unavailable::Closed,
            _ => Unavailable::Failed,
        };
        add(&self.metrics.0.figures.unavailable[self.role as usize][reason as usize]);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let (metrics, took) = (&self.metrics.0, self.clock.now() - self.begun);
        metrics.waits.record(took.as_secs_f64(), &metrics.wait_labels[self.role as usize]);
    }
}

// === impl Unavailable ===

impl Unavailable {
    pub(super) const NAMES: [&str; 3] = ["timed_out", "closed", "failed"];
}
