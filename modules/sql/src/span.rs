//! The span of a query, by the [semantic conventions] of OpenTelemetry for databases.
//!
//! It says what kind of statement it was and of which table; never its text, which may hold values.
//!
//! [semantic conventions]: https://opentelemetry.io/docs/specs/semconv/database/database-spans/

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::stream::{BoxStream, Stream, StreamExt as _};
use purlin::trace::{self, KeyValue};
use tracing::Span;

use crate::{
    call::{Call, keyword, words},
    engine::Engine,
};

/// What a statement does, and to which table: `INSERT orders`.
struct Summary<'a>(&'a str);

/// A stream whose every step happens in a span.
struct InSpan<T> {
    inner: BoxStream<'static, sqlx::Result<T>>,
    span: Span,
}

/// The span of a query. It is made where traces are, and at level debug of the log.
pub(crate) fn of<DB: Engine>(call: &sqlx::Result<Call<DB>>) -> Span {
    let Ok(call) = call else { return Span::none() };
    tracing::debug_span!(
        target: "purlin_sql",
        "query",
        otel.kind = "client",
        otel.name = %Summary(call.sql()),
        db.system.name = DB::NAME.to_ascii_lowercase(),
        db.operation.name = operation(call.sql()),
        db.collection.name = table(call.sql()),
        db.query.summary = %Summary(call.sql()),
    )
}

/// Notes in the current span how its query ended.
pub(crate) fn note<T>(outcome: &sqlx::Result<T>) {
    let Err(error) = outcome else { return };
    trace::record(|| {
        let code = error.as_database_error().and_then(|error| error.code());
        [KeyValue::new("error.type", code.map_or_else(|| kind(error).to_owned(), Into::into))]
    });
    trace::fail("");
}

/// Makes each step of `rows` happen in `span`.
pub(crate) fn around<T: 'static>(
    rows: BoxStream<'static, sqlx::Result<T>>,
    span: Span,
) -> BoxStream<'static, sqlx::Result<T>> {
    if span.is_disabled() { rows } else { InSpan { inner: rows, span }.boxed() }
}

/// The kind of an error that does not come from the database.
fn kind(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::PoolTimedOut => "pool_timed_out",
        sqlx::Error::PoolClosed => "pool_closed",
        sqlx::Error::Io(_) => "io",
        sqlx::Error::Tls(_) => "tls",
        sqlx::Error::Encode(_) => "encode",
        sqlx::Error::InvalidArgument(_) => "refused",
        _ => "_OTHER",
    }
}

/// The first word of a statement, if it is one of those that there are a few of.
fn operation(sql: &str) -> Option<String> {
    let keyword = keyword(sql);
    (!keyword.is_empty() && keyword.len() <= 16).then(|| keyword.to_ascii_uppercase())
}

/// The first table that the statement names. In a statement out of several parts it is a guess.
fn table(sql: &str) -> Option<&str> {
    let mut words = words(sql);
    let first = words.next()?;
    if first.eq_ignore_ascii_case("UPDATE") {
        return words.find(|word| !word.eq_ignore_ascii_case("OR") && !is_conflict(word));
    }
    let before = ["FROM", "INTO", "TABLE"];
    let found = words.any(|word| before.iter().any(|before| word.eq_ignore_ascii_case(before)));
    let exists = ["IF", "NOT", "EXISTS", "ONLY"];
    words
        .find(|word| !exists.iter().any(|exists| word.eq_ignore_ascii_case(exists)))
        .filter(|_| found)
}

/// What stands between `UPDATE OR` and the table in SQLite.
fn is_conflict(word: &str) -> bool {
    ["ABORT", "FAIL", "IGNORE", "REPLACE", "ROLLBACK", "ONLY"]
        .iter()
        .any(|conflict| word.eq_ignore_ascii_case(conflict))
}

// === impl Summary ===

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(operation(self.0).as_deref().unwrap_or("query"))?;
        table(self.0).map_or(Ok(()), |table| write!(f, " {table}"))
    }
}

// === impl InSpan ===

impl<T> Stream for InSpan<T> {
    type Item = sqlx::Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { inner, span } = &mut *self;
        let _entered = span.enter();
        let step = inner.poll_next_unpin(cx);
        if let Poll::Ready(Some(step)) = &step {
            note(step);
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_says_what_is_done_to_which_table_and_no_value() {
        for (sql, summary) in [
            ("SELECT id FROM orders WHERE customer = 'ada from bonn'", "SELECT orders"),
            ("  -- all\n select 1", "SELECT"),
            ("INSERT INTO orders (customer) VALUES ('x') RETURNING id", "INSERT orders"),
            ("insert or replace into \"orders\" values (1)", "INSERT orders"),
            ("UPDATE orders SET status = 'done'", "UPDATE orders"),
            ("UPDATE OR IGNORE orders SET status = 'done'", "UPDATE orders"),
            ("DELETE FROM orders", "DELETE orders"),
            ("CREATE TABLE IF NOT EXISTS orders (id INTEGER)", "CREATE orders"),
            ("WITH late AS (SELECT 1 FROM jobs) SELECT * FROM late", "WITH jobs"),
            ("PRAGMA journal_mode", "PRAGMA"),
            ("", "query"),
        ] {
            assert_eq!(Summary(sql).to_string(), summary, "{sql}");
        }
    }
}
