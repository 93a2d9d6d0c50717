//! What is measured of a database, whichever engine it is.
//!
//! What is counted has few labels with few values, so that it is a row of atomics, which are read
//! when somebody asks. No count looks anything up, and none allocates.

mod figures;
mod query;
mod wait;

use std::{
    fmt,
    future::Future,
    sync::{Arc, atomic::Ordering},
};

use purlin::{
    clock::Clock,
    meter::{Histogram, KeyValue, Meter, label},
};
use serde::Serialize;
use sqlx::{Database, pool::PoolOptions};

use self::figures::{Figures, add, read};
pub(crate) use self::{
    figures::{Connections, Fate, Pools},
    query::Running,
    wait::Waiting,
};

purlin::metrics! {
    /// `pool` is `writer`, and `readers` for those that have a pool of their own.
    CONNECTIONS_ACTIVE = Gauge "database_connections_active" ["database", "pool"] "":
        "Connections that run something.";
    CONNECTIONS_IDLE = Gauge "database_connections_idle" ["database", "pool"] "":
        "Connections that are open and free.";
    /// Less those that are open, it is how many were closed.
    CONNECTIONS = Counter "database_connections_total" ["database", "pool"] "":
        "Connections that were opened.";
    /// `reason` is `timed_out` (none was free in time), `closed` (the database is), or `failed`.
    CONNECTIONS_FAILED = Counter "database_connections_failed_total" ["database", "pool", "reason"] "":
        "Queries and transactions that got no connection.";
    /// Those count as well that got none, or did not wait to the end.
    CONNECTION_WAIT = Histogram "database_connection_wait_seconds" ["database", "pool"] "s":
        "How long queries and transactions waited for a connection.";
    /// `operation` is `select`, `insert`, `update`, `delete` or `other`, by the text of the
    /// statement.
    QUERIES = Counter "database_queries_total" ["database", "operation"] "":
        "Queries that have ended.";
    /// `reason` is `constraint`, `busy` (lost to concurrency), `database` (anything else that it
    /// said), `pool_timed_out`, `pool_closed`, `io` (the connection broke), `refused` (a mistake of
    /// the program), `cancelled` (nobody waited for the outcome) or `other`.
    QUERIES_FAILED = Counter "database_queries_failed_total" ["database", "reason"] "":
        "Queries that failed.";
    /// With the wait for a connection; rows that are streamed until the last of them. `outcome` is
    /// `ok` or `failed`.
    QUERY_DURATION = Histogram "database_query_duration_seconds" ["database", "operation", "outcome"] "s":
        "How long queries took.";
    /// `outcome` is `committed`, `rolled_back`, `not_begun`, or `unknown` where nobody waited for
    /// the commit, or the connection broke in it. Savepoints do not count.
    TRANSACTIONS = Counter "database_transactions_total" ["database", "outcome"] "":
        "Transactions that have ended.";
    TRANSACTIONS_RETRIED = Counter "database_transactions_retried_total" ["database"] "":
        "Further attempts at transactions that were lost to concurrency.";
    HEALTH_CHECKS = Counter "database_health_checks_total" ["database"] "":
        "Checks of the health.";
    HEALTH_CHECKS_FAILED = Counter "database_health_checks_failed_total" ["database"] "":
        "Checks of the health that failed, or took too long.";
    LAST_HEALTH_CHECK = Gauge "database_last_health_check" ["database"] "":
        "When the health was last checked, in seconds since the Unix epoch.";
}

/// What is measured of one database. Clones are the same thing.
///
/// ```
/// use purlin_core::meter::Meter;
/// use purlin_sql::{Settings, metrics::Metrics};
///
/// let settings = Settings { metrics: Metrics::new("orders", &Meter::noop()), ..Settings::default() };
/// assert_eq!(settings.metrics.snapshot().database_queries_total, 0);
/// ```
/// Without a meter, by `default()`, only [`snapshot`](Self::snapshot) shows it.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    figures: Arc<Figures>,
    durations: Histogram<f64>,
    /// By operation, and whether it went well.
    duration_labels: [[[KeyValue; 3]; 2]; query::Operation::NAMES.len()],
    waits: Histogram<f64>,
    wait_labels: [[KeyValue; 2]; Role::NAMES.len()],
}

/// What a pool of connections is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Connections that write, and that read where there are no others.
    Writer,
    /// Connections that only read.
    Readers,
}

/// The figures of one database at one moment, since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// Connections that were opened.
    pub database_connections_total: u64,
    /// Queries and transactions that got no connection.
    pub database_connections_failed: u64,
    /// Connections that run something.
    pub database_connections_active: u64,
    /// Queries that have ended.
    pub database_queries_total: u64,
    /// Those of them that failed.
    pub database_queries_failed: u64,
    /// How long all of them took together, in nanoseconds.
    pub database_query_duration_ns: u64,
    /// Checks of the health.
    pub database_health_checks_total: u64,
    /// Those of them that failed.
    pub database_health_checks_failed: u64,
    /// When the last of them was, in seconds since the Unix epoch; 0 before the first.
    pub database_last_health_check: u64,
}

/// Counts a check of the health when it is dropped: as failed, unless it is known not to be.
struct Check<'a> {
    figures: &'a Figures,
    clock: &'a Clock,
    is_ok: bool,
}

// === impl Metrics ===

impl Metrics {
    /// Those of a database that is called `database` there.
    pub fn new(database: &str, meter: &Meter) -> Self {
        let figures = Arc::new(Figures::default());
        let database: Arc<str> = database.into();
        figures::observe(&figures, &database, meter);
        let of = || label("database", database.clone());
        Self(Arc::new(Inner {
            figures,
            durations: meter.histogram(&QUERY_DURATION),
            duration_labels: query::Operation::NAMES.map(|operation| {
                ["ok", "failed"]
                    .map(|outcome| [of(), label("operation", operation), label("outcome", outcome)])
            }),
            waits: meter.histogram(&CONNECTION_WAIT),
            wait_labels: Role::NAMES.map(|pool| [of(), label("pool", pool)]),
        }))
    }

    /// Counts the connections that a pool with these options opens, by its `after_connect`. What
    /// else is to be done there is to be done by the options that are given, and this is last.
    pub fn counted<DB: Database>(&self, options: PoolOptions<DB>, role: Role) -> PoolOptions<DB> {
        let figures = self.0.figures.clone();
        options.after_connect(move |_, _| {
            add(&figures.opened[role as usize]);
            Box::pin(async { Ok(()) })
        })
    }

    /// The figures as they are now.
    pub fn snapshot(&self) -> Snapshot {
        let figures = &self.0.figures;
        Snapshot {
            database_connections_total: figures.opened.iter().map(read).sum(),
            database_connections_failed: figures.unavailable.as_flattened().iter().map(read).sum(),
            database_connections_active: figures.active(),
            database_queries_total: figures.queries.iter().map(read).sum(),
            database_queries_failed: figures.queries_failed.iter().map(read).sum(),
            database_query_duration_ns: read(&figures.query_nanos),
            database_health_checks_total: read(&figures.checks),
            database_health_checks_failed: read(&figures.checks_failed),
            database_last_health_check: read(&figures.last_check),
        }
    }

    /// Reads the connections of `pools` from now on, for as long as they are there.
    pub(crate) fn watch(&self, pools: Arc<dyn Pools>) {
        self.0.figures.watch(Arc::downgrade(&pools));
    }

    pub(crate) async fn checked<T, E>(
        &self,
        clock: &Clock,
        check: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut counted = Check { figures: &self.0.figures, clock, is_ok: false };
        let outcome = check.await;
        counted.is_ok = outcome.is_ok();
        outcome
    }

    pub(crate) fn transaction(&self, fate: Fate) {
        add(&self.0.figures.transactions[fate as usize]);
    }

    pub(crate) fn retried(&self) {
        add(&self.0.figures.retried);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new("", &Meter::noop())
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Metrics").field(&self.snapshot()).finish()
    }
}

// === impl Role ===

impl Role {
    /// In the order of the variants, as everywhere here: a variant is the index of its name.
    const NAMES: [&str; 2] = ["writer", "readers"];
}

// === impl Check ===

impl Drop for Check<'_> {
    fn drop(&mut self) {
        let now = self.clock.system_now().duration_since(std::time::UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_secs());
        self.figures.last_check.store(now, Ordering::Relaxed);
        add(&self.figures.checks);
        if !self.is_ok {
            add(&self.figures.checks_failed);
        }
    }
}
