//! One query, measured.

use std::sync::atomic::Ordering;

use purlin::clock::{Clock, Instant};
use sqlx::error::ErrorKind;

use super::{Metrics, figures::add};
use crate::{
    call::{Call, keyword, words},
    engine::Engine,
    handle::Settings,
};

/// A query that runs. It is counted when it is dropped: as cancelled, unless it is known how it
/// ended.
pub(crate) struct Running {
    metrics: Metrics,
    clock: Clock,
    begun: Instant,
    operation: Operation,
    failure: Option<Reason>,
}

/// What a statement does, as far as its text tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Select,
    Insert,
    Update,
    Delete,
    Other,
}

/// Why a query failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Constraint,
    Busy,
    Database,
    PoolTimedOut,
    PoolClosed,
    Io,
    Refused,
    Cancelled,
    Other,
}

// === impl Running ===

impl Running {
    pub(crate) fn begin<DB: Engine>(settings: &Settings, call: &sqlx::Result<Call<DB>>) -> Self {
        let operation = call.as_ref().map_or(Operation::Other, Operation::of);
        let (metrics, clock) = (settings.metrics.clone(), settings.clock.clone());
        let (begun, failure) = (clock.now(), Some(Reason::Cancelled));
        Self { metrics, clock, begun, operation, failure }
    }

    /// Takes down how the query, or a step of it, ended. Rows that nobody asks for any more are no
    /// failure.
    pub(crate) fn note<DB: Engine, T>(&mut self, outcome: &sqlx::Result<T>) {
        self.failure = outcome.as_ref().err().map(Reason::of::<DB>);
    }

    /// Takes down that a query failed before it began to run.
    pub(crate) fn check<DB: Engine, T>(&mut self, outcome: sqlx::Result<T>) -> sqlx::Result<T> {
        outcome.inspect_err(|error| self.failure = Some(Reason::of::<DB>(error)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let (metrics, took) = (&self.metrics.0, self.clock.now() - self.begun);
        let operation = self.operation as usize;
        add(&metrics.figures.queries[operation]);
        if let Some(reason) = self.failure {
            add(&metrics.figures.queries_failed[reason as usize]);
        }
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        metrics.figures.query_nanos.fetch_add(nanos, Ordering::Relaxed);
        let labels = &metrics.duration_labels[operation][usize::from(self.failure.is_some())];
        metrics.durations.record(took.as_secs_f64(), labels);
    }
}

// === impl Operation ===

impl Operation {
    pub(super) const NAMES: [&str; 5] = ["select", "insert", "update", "delete", "other"];

    fn of<DB: Engine>(call: &Call<DB>) -> Self {
        if call.is_script() { Self::Other } else { Self::of_text(call.sql()) }
    }

    fn of_text(sql: &str) -> Self {
        let first = keyword(sql);
        if !first.eq_ignore_ascii_case("WITH") {
            return Self::of_word(first).unwrap_or(Self::Other);
        }
        let writes = words(sql).filter_map(Self::of_word).find(|it| *it != Self::Select);
        writes.unwrap_or(Self::Select)
    }

    fn of_word(word: &str) -> Option<Self> {
        const WORDS: [(&str, Operation); 6] = [
            ("SELECT", Operation::Select),
            ("VALUES", Operation::Select),
            ("INSERT", Operation::Insert),
            ("REPLACE", Operation::Insert),
            ("UPDATE", Operation::Update),
            ("DELETE", Operation::Delete),
        ];
        WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)).map(|(_, it)| *it)
    }
}

// === impl Reason ===

impl Reason {
    pub(super) const NAMES: [&str; 9] = [
        "constraint",
        "busy",
        "database",
        "pool_timed_out",
        "pool_closed",
        "io",
        "refused",
        "cancelled",
        "other",
    ];

    fn of<DB: Engine>(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) if DB::is_transient(&**error) => Self::Busy,
            sqlx::Error::Database(error) if error.kind() != ErrorKind::Other => Self::Constraint,
            sqlx::Error::Database(_) => Self::Database,
            sqlx::Error::PoolTimedOut => Self::PoolTimedOut,
            sqlx::Error::PoolClosed => Self::PoolClosed,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => Self::Io,
            sqlx::Error::InvalidArgument(_) => Self::Refused,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_one_of_five_operations() {
        for (sql, operation) in [
            ("  -- all\n select 1", "select"),
            ("VALUES (1)", "select"),
            ("WITH late AS (SELECT 1 FROM jobs) SELECT * FROM late", "select"),
            ("INSERT INTO orders VALUES ('DELETE')", "insert"),
            ("replace into orders values (1)", "insert"),
            ("WITH n AS (SELECT 1) INSERT INTO orders SELECT * FROM n", "insert"),
            ("UPDATE OR IGNORE orders SET id = 1", "update"),
            ("/* x */ DELETE FROM orders", "delete"),
            ("PRAGMA journal_mode", "other"),
            ("", "other"),
        ] {
            let found = Operation::of_text(sql);
            assert_eq!(Operation::NAMES[found as usize], operation, "{sql}");
        }
        assert_eq!(Operation::NAMES[Operation::Other as usize], "other");
        assert_eq!(Reason::NAMES[Reason::Other as usize], "other");
    }
}
