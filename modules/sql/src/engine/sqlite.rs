//! SQLite.

use futures_util::future::BoxFuture;
use purlin::error::Code;
use sqlx::{
    Executor as _, Sqlite, SqlStr, SqliteConnection,
    error::DatabaseError,
    sqlite::SqliteError,
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

/// The [primary result codes](https://www.sqlite.org/rescode.html) that matter here; the low byte
/// of each extended code.
mod primary {
    pub(super) const BUSY: u32 = 5;
    pub(super) const LOCKED: u32 = 6;
    pub(super) const READONLY: u32 = 8;
    pub(super) const IOERR: u32 = 10;
    pub(super) const CORRUPT: u32 = 11;
    pub(super) const FULL: u32 = 13;
    pub(super) const CANTOPEN: u32 = 14;
    pub(super) const CONSTRAINT: u32 = 19;
    pub(super) const NOTADB: u32 = 26;
}

pub(super) fn code(error: &SqliteError) -> Option<Code> {
    match primary_code(error)? {
        primary::BUSY | primary::LOCKED | primary::IOERR | primary::CANTOPEN => Some(Code::Unavailable),
        primary::FULL => Some(Code::ResourceExhausted),
        primary::CONSTRAINT | primary::READONLY => Some(Code::FailedPrecondition),
        primary::CORRUPT | primary::NOTADB => Some(Code::DataLoss),
        _ => None,
    }
}

fn primary_code(error: &dyn DatabaseError) -> Option<u32> {
    error.code()?.parse::<u32>().ok().map(|code| code & 0xff)
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
        match call::keyword(sql).to_ascii_uppercase().as_str() {
            "SELECT" | "VALUES" | "EXPLAIN" => true,
            "WITH" => {
                const WRITES: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "REPLACE"];
                !call::words(sql).any(|word| WRITES.iter().any(|write| word.eq_ignore_ascii_case(write)))
            }
            _ => false,
        }
    }

    fn is_transient(error: &dyn DatabaseError) -> bool {
        matches!(primary_code(error), Some(primary::BUSY | primary::LOCKED))
    }

    fn is_unknown_savepoint(error: &dyn DatabaseError) -> bool {
        error.message().contains("no such savepoint")
    }

    fn run<'c>(connection: &'c mut SqliteConnection, sql: SqlStr) -> BoxFuture<'c, sqlx::Result<()>> {
        Box::pin(async move { connection.execute(sql).await.map(drop) })
    }

    /// SQLite rolls a transaction back by itself after some errors (`OR ROLLBACK`, a full disk),
    /// and what follows would be committed statement by statement. A `BEGIN` tells: it succeeds
    /// only outside of a transaction.
    fn is_usable(connection: &mut SqliteConnection) -> BoxFuture<'_, sqlx::Result<bool>> {
        Box::pin(async move {
            match connection.execute("BEGIN").await {
                Ok(_) => Ok(false),
                Err(sqlx::Error::Database(error)) if error.message().contains("within a transaction") => Ok(true),
                Err(error) => Err(error),
            }
        })
    }

    fn recover(connection: &mut SqliteConnection) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(async move {
            match connection.execute("ROLLBACK").await {
                Ok(_) => Ok(()),
                Err(sqlx::Error::Database(error)) if error.message().contains("no transaction is active") => Ok(()),
                Err(error) => Err(error),
            }
        })
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
