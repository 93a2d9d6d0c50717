//! What differs between databases.

#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt;

use futures_util::future::BoxFuture;
use purlin::error::Code;
use sqlx::{Database, SqlStr, error::DatabaseError};

#[cfg(feature = "sqlite")]
pub use self::sqlite::{SqliteCode, SqliteTx};

/// A database that [`Sql`](crate::Sql) can stand for: what differs between them, and no more.
///
/// It is implemented here for the databases of sqlx, since neither they nor this trait belong to
/// the crates of the engines.
pub trait Engine: Database {
    /// The options of a transaction.
    type TxOptions: fmt::Debug + Clone + Default + PartialEq + Send + Sync;

    /// The statement that begins a transaction.
    fn begin(options: &Self::TxOptions) -> &'static str;

    /// Whether such a transaction can run on a connection for readers.
    fn is_read_only(options: &Self::TxOptions) -> bool;

    /// Whether a single statement only reads. When in doubt it does not.
    fn reads(sql: &str) -> bool;

    /// Whether the transaction was lost to concurrency, so that repeating it may help.
    fn is_transient(error: &dyn DatabaseError) -> bool;

    /// Whether a savepoint could not be rolled back because there is none of its name.
    fn is_unknown_savepoint(error: &dyn DatabaseError) -> bool;

    /// Runs a statement that has no arguments and no rows.
    fn run<'c>(
        connection: &'c mut Self::Connection,
        sql: SqlStr,
    ) -> BoxFuture<'c, sqlx::Result<()>>;

    /// Whether the transaction can go on after a statement failed or was cut off.
    fn is_usable(connection: &mut Self::Connection) -> BoxFuture<'_, sqlx::Result<bool>>;

    /// Ends whatever transaction a connection is in, so that it can be used again. An error means
    /// that it must be closed.
    fn recover(connection: &mut Self::Connection) -> BoxFuture<'_, sqlx::Result<()>>;
}

/// The code of an error that says more than sqlx knows.
pub(crate) fn code(error: &dyn DatabaseError) -> Option<Code> {
    #[cfg(feature = "sqlite")]
    if let Some(error) = error.try_downcast_ref() {
        return sqlite::code(error);
    }
    let _ = error;
    None
}
