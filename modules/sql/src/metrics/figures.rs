//! What is counted, and how it is read.

use std::sync::{
    Arc, OnceLock, Weak,
    atomic::{AtomicU64, Ordering},
};

use purlin::meter::{KeyValue, Meter, Metric, label};

use super::{
    CONNECTIONS, CONNECTIONS_ACTIVE, CONNECTIONS_FAILED, CONNECTIONS_IDLE, HEALTH_CHECKS,
    HEALTH_CHECKS_FAILED, LAST_HEALTH_CHECK, QUERIES, QUERIES_FAILED, Role, TRANSACTIONS,
    TRANSACTIONS_RETRIED,
    query::{Operation, Reason},
    wait::Unavailable,
};

/// The figures of one database.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) opened: [AtomicU64; Role::NAMES.len()],
    pub(super) unavailable: [[AtomicU64; Unavailable::NAMES.len()]; Role::NAMES.len()],
    pub(super) queries: [AtomicU64; Operation::NAMES.len()],
    pub(super) queries_failed: [AtomicU64; Reason::NAMES.len()],
    pub(super) query_nanos: AtomicU64,
    pub(super) transactions: [AtomicU64; Fate::NAMES.len()],
    pub(super) retried: AtomicU64,
    pub(super) checks: AtomicU64,
    pub(super) checks_failed: AtomicU64,
    /// Seconds since the Unix epoch; 0 before the first.
    pub(super) last_check: AtomicU64,
    pools: OnceLock<Weak<dyn Pools>>,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Committed,
    RolledBack,
    NotBegun,
    Unknown,
}

/// Something that has connections.
pub(crate) trait Pools: Send + Sync {
    /// Those of one pool, where there is such a pool.
    fn connections(&self, role: Role) -> Option<Connections>;
}

/// The open connections of a pool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connections {
    pub(crate) active: u64,
    pub(crate) idle: u64,
}

pub(super) fn add(figure: &AtomicU64) {
    figure.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn read(figure: &AtomicU64) -> u64 {
    figure.load(Ordering::Relaxed)
}

/// Shows all of them, with zeros, so that the first of each kind is a rise.
pub(super) fn observe(figures: &Arc<Figures>, database: &Arc<str>, meter: &Meter) {
    let of = |more: &[KeyValue]| [&[label("database", database.clone())], more].concat();
    let each = |name: &'static str, values: &[&'static str]| {
        values.iter().map(|value| of(&[label(name, *value)])).collect::<Vec<_>>()
    };
    let pools = || each("pool", &Role::NAMES);
    let reasons = Role::NAMES.iter().flat_map(|pool| {
        Unavailable::NAMES.map(|reason| of(&[label("pool", *pool), label("reason", reason)]))
    });
    let show = |metric: &Metric,
                series: Vec<Vec<KeyValue>>,
                figure: fn(&Figures, usize) -> Option<u64>| {
        let figures = figures.clone();
        meter.observe(metric, move |observer| {
            for (index, labels) in series.iter().enumerate() {
                if let Some(figure) = figure(&figures, index) {
                    observer.observe(figure as f64, labels);
                }
            }
        });
    };
    show(&CONNECTIONS_ACTIVE, pools(), |it, pool| Some(it.connections(pool)?.active));
    show(&CONNECTIONS_IDLE, pools(), |it, pool| Some(it.connections(pool)?.idle));
    show(&CONNECTIONS, pools(), |it, pool| it.connections(pool).map(|_| read(&it.opened[pool])));
    show(&CONNECTIONS_FAILED, reasons.collect(), |it, index| {
        it.connections(index / Unavailable::NAMES.len())?;
        it.unavailable.as_flattened().get(index).map(read)
    });
    show(&QUERIES, each("operation", &Operation::NAMES), |it, one| it.queries.get(one).map(read));
    show(&QUERIES_FAILED, each("reason", &Reason::NAMES), |it, one| {
        it.queries_failed.get(one).map(read)
    });
    show(&TRANSACTIONS, each("outcome", &Fate::NAMES), |it, one| {
        it.transactions.get(one).map(read)
    });
    show(&TRANSACTIONS_RETRIED, vec![of(&[])], |it, _| Some(read(&it.retried)));
    show(&HEALTH_CHECKS, vec![of(&[])], |it, _| Some(read(&it.checks)));
    show(&HEALTH_CHECKS_FAILED, vec![of(&[])], |it, _| Some(read(&it.checks_failed)));
    show(&LAST_HEALTH_CHECK, vec![of(&[])], |it, _| {
        Some(read(&it.last_check)).filter(|at| *at > 0)
    });
}

// === impl Figures ===

impl Figures {
    pub(super) fn watch(&self, pools: Weak<dyn Pools>) {
        // Settings that open a second database go on showing the connections of the first.
        let _ = self.pools.set(pools);
    }

    pub(super) fn active(&self) -> u64 {
        (0..Role::NAMES.len()).filter_map(|pool| Some(self.connections(pool)?.active)).sum()
    }

    fn connections(&self, pool: usize) -> Option<Connections> {
        let role = if pool == Role::Writer as usize { Role::Writer } else { Role::Readers };
        self.pools.get()?.upgrade()?.connections(role)
    }
}

// === impl Fate ===

impl Fate {
    const NAMES: [&str; 4] = ["committed", "rolled_back", "not_begun", "unknown"];
}
