//! What went wrong, and what it means to a caller.

use purlin::error::Code;
use sqlx::error::ErrorKind;

use crate::engine;

/// Why a query was not even sent.
///
/// It comes as [`sqlx::Error::InvalidArgument`] with this text, since it is always a mistake in the
/// program and never one of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// A row stream of the same transaction is open.
    #[error(
        "a row stream of this transaction is still open, and the connection runs one query at a time; \
         read it to its end (`fetch_all`) or drop it before the next query"
    )]
    StreamOpen,
    /// A savepoint that was begun by hand is open.
    #[error(
        "a savepoint of this transaction was begun by hand and is still open; \
         use its handle for this query, or commit it first"
    )]
    SavepointOpen,
    /// Another query of the same transaction did not end in time.
    #[error(
        "waited {0:?} for another query of this transaction; \
         a query that was started and is not being awaited blocks all others"
    )]
    Busy(std::time::Duration),
    /// The task was spawned inside of the transaction.
    #[error(
        "this task was spawned inside a transaction, which does not reach into other tasks; \
         await the work inside of the transaction, or give the task one of its own with `with_tx`"
    )]
    Spawned,
    /// The transaction has ended already.
    #[error("the transaction of this row stream has ended; read the rows before it ends")]
    Ended,
    /// The database ended the transaction.
    #[error("the database ended the transaction after an earlier error, and nothing of it is kept")]
    Lost,
    /// What earlier errors or cancellations left behind could not be put right.
    #[error(
        "what earlier errors or cancellations left behind in this transaction could not be put right, \
         so nothing of it is kept"
    )]
    Broken,
    /// The statement would begin or end a transaction behind the back of this crate.
    #[error(
        "`{0}` as a statement is refused; use `with_tx` or `begin`, which keep the connection clean"
    )]
    Control(&'static str),
    /// A nested transaction asks for other options than the open one.
    #[error("a transaction with other options is open; options are set by the outermost one")]
    Options,
}

/// The canonical code of an error of sqlx, for `#[code(with = purlin::sql::code)]`.
///
/// | error | code |
/// |---|---|
/// | no row | `NotFound` |
/// | unique or exclusion constraint | `AlreadyExists` |
/// | foreign key, check, not null | `FailedPrecondition` |
/// | busy or locked, no connection in time, I/O, disk full | `Unavailable` |
/// | damaged, or not a database | `DataLoss` |
/// | anything else | `Internal` |
///
/// ```
/// use purlin_core::error::Code;
/// assert_eq!(purlin_sql::code(&sqlx::Error::RowNotFound), Code::NotFound);
/// assert_eq!(purlin_sql::code(&sqlx::Error::PoolTimedOut), Code::Unavailable);
/// ```
pub fn code(error: &sqlx::Error) -> Code {
    use sqlx::Error;
    match error {
        Error::RowNotFound => Code::NotFound,
        Error::Io(_)
        | Error::Tls(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed => Code::Unavailable,
        Error::Database(error) => match error.kind() {
            ErrorKind::UniqueViolation | ErrorKind::ExclusionViolation => Code::AlreadyExists,
            ErrorKind::ForeignKeyViolation
            | ErrorKind::CheckViolation
            | ErrorKind::NotNullViolation => Code::FailedPrecondition,
            _ => engine::code(&**error).unwrap_or(Code::Internal),
        },
        _ => Code::Internal,
    }
}

// === impl Refused ===

impl From<Refused> for sqlx::Error {
    fn from(refused: Refused) -> Self {
        Self::InvalidArgument(refused.to_string())
    }
}
