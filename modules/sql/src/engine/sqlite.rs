//! SQLite.

use futures_util::future::BoxFuture;
use purlin::error::Code;
use sqlx::{
    Executor as _, SqlStr, Sqlite, SqliteConnection, error::DatabaseError, sqlite::SqliteError,
};

use crate::{call, engine::Engine};

/// How a transaction of SQLite begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SqliteTx {
    /// It takes the write lock at once, so that it cannot fail half-way because another writer came
    /// first.
    #[default]
    Immediate,
    /// It reads one state of the database, on a connection for readers, while others write.
    ReadOnly,
}

/// The [primary result codes](https://www.sqlite.org/rescode.html) of SQLite that say what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SqliteCode {
    /// The file may not be accessed in this way.
    Perm,
    /// Another connection is writing.
    Busy,
    /// Another statement of this connection is in the way.
    Locked,
    /// The database or the connection is read-only.
    ReadOnly,
    /// The operating system reported an error.
    IoErr,
    /// The database is damaged.
    Corrupt,
    /// The disk is full.
    Full,
    /// The file cannot be opened.
    CantOpen,
    /// A constraint is violated.
    Constraint,
    /// The file is not a database.
    NotADb,
}

pub(super) fn code(error: &SqliteError) -> Option<Code> {
    match SqliteCode::of(error)? {
        SqliteCode::Busy
        | SqliteCode::Locked
        | SqliteCode::IoErr
        | SqliteCode::CantOpen
        | SqliteCode::Full => Some(Code::Unavailable),
        SqliteCode::Constraint | SqliteCode::ReadOnly => Some(Code::FailedPrecondition),
        SqliteCode::Corrupt | SqliteCode::NotADb => Some(Code::DataLoss),
        SqliteCode::Perm => None,
    }
}

// === impl Engine ===

impl Engine for Sqlite {
    type TxOptions = SqliteTx;

    fn begin(options: &SqliteTx) -> &'static str {
        match options {
            SqliteTx::Immediate => "BEGIN IMMEDIATE",
            SqliteTx::ReadOnly => "BEGIN DEFERRED",
        }
    }

    fn is_read_only(options: &SqliteTx) -> bool {
        matches!(options, SqliteTx::ReadOnly)
    }

    fn reads(sql: &str) -> bool {
        const READS: [&str; 3] = ["SELECT", "VALUES", "EXPLAIN"];
        const WRITES: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "REPLACE"];
        let first = call::keyword(sql);
        let is_one_of =
            |word: &str, words: &[&str]| words.iter().any(|it| word.eq_ignore_ascii_case(it));
        let is_query = || !call::words(sql).any(|word| is_one_of(word, &WRITES));
        is_one_of(first, &READS) || (first.eq_ignore_ascii_case("WITH") && is_query())
    }

    fn is_transient(error: &dyn DatabaseError) -> bool {
        matches!(SqliteCode::of(error), Some(SqliteCode::Busy | SqliteCode::Locked))
    }

    fn is_unknown_savepoint(error: &dyn DatabaseError) -> bool {
        error.message().contains("no such savepoint")
    }

    fn run<'c>(
        connection: &'c mut SqliteConnection,
        sql: SqlStr,
    ) -> BoxFuture<'c, sqlx::Result<()>> {
        Box::pin(async move { connection.execute(sql).await.map(drop) })
    }

    /// SQLite rolls a transaction back by itself after some errors (`OR ROLLBACK`, a full disk),
    /// and what follows would be committed statement by statement. A `BEGIN` tells: it succeeds
    /// only outside of a transaction.
    fn is_usable(connection: &mut SqliteConnection) -> BoxFuture<'_, sqlx::Result<bool>> {
        Box::pin(async move {
            match connection.execute("BEGIN").await {
                Ok(_) => Ok(false),
                Err(sqlx::Error::Database(error))
                    if error.message().contains("within a transaction") =>
                {
                    Ok(true)
                }
                Err(error) => Err(error),
            }
        })
    }

    fn recover(connection: &mut SqliteConnection) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(async move {
            match connection.execute("ROLLBACK").await {
                Ok(_) => Ok(()),
                Err(sqlx::Error::Database(error))
                    if error.message().contains("no transaction is active") =>
                {
                    Ok(())
                }
                Err(error) => Err(error),
            }
        })
    }
}

// === impl SqliteCode ===

impl SqliteCode {
    /// The code of an error of SQLite; the low byte of its extended code.
    pub fn of(error: &dyn DatabaseError) -> Option<Self> {
        let error = error.try_downcast_ref::<SqliteError>()?;
        match error.code()?.parse::<u32>().ok()? & 0xff {
            3 => Some(Self::Perm),
            5 => Some(Self::Busy),
            6 => Some(Self::Locked),
            8 => Some(Self::ReadOnly),
            10 => Some(Self::IoErr),
            11 => Some(Self::Corrupt),
            13 => Some(Self::Full),
            14 => Some(Self::CantOpen),
            19 => Some(Self::Constraint),
            26 => Some(Self::NotADb),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_reads() {
        for reads in [
            "SELECT 1",
            "  -- a comment\n select * from t",
            "/* one */ /* two */ values (1)",
            "WITH t AS (SELECT 1) SELECT * FROM t",
            "EXPLAIN QUERY PLAN DELETE FROM t",
        ] {
            assert!(Sqlite::reads(reads), "{reads}");
        }
        for writes in [
            "INSERT INTO t VALUES (1)",
            "with t as (select 1) insert into u select * from t",
            "WITH t AS (SELECT 1) DELETE FROM u",
            "PRAGMA user_version = 3",
            "REPLACE INTO t VALUES (1)",
            "CREATE TABLE select_me (n)",
            "",
        ] {
            assert!(!Sqlite::reads(writes), "{writes}");
        }
    }
}
