//! Transactions.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use futures_util::{future::BoxFuture, stream::BoxStream};
use purlin::ambient::Found;
use sqlx::{Describe, Either, Execute, Executor, SqlStr};

use crate::{
    call::Call,
    engine::Engine,
    error::Refused,
    handle::Sql,
    lease::Lease,
    slot::{Ending, Slot},
    target::{Target, executor},
};

/// An open transaction: `&mut Tx` is an [`Executor`], usually written `&mut *tx`.
///
/// ```
/// # async fn example(sql: purlin_sql::Sql<sqlx::Sqlite>) -> sqlx::Result<()> {
/// sql.with_tx(async |tx| sqlx::query("DELETE FROM orders").execute(&mut *tx).await.map(drop)).await
/// # }
/// ```
pub struct Tx<DB: Engine> {
    sql: Sql<DB>,
    slot: Arc<Slot<DB>>,
}

/// A transaction begun by hand: it rolls back when it is dropped.
///
/// Only queries that name it are in it; it is not ambient. On an engine with one writer, whatever
/// else wants to write meanwhile waits for its end, and in the same task until the pool times out. Prefer
/// [`with_tx`](Sql::with_tx).
///
/// ```
/// # async fn example(sql: purlin_sql::Sql<sqlx::Sqlite>) -> sqlx::Result<()> {
/// let mut tx = sql.begin().await?;
/// sqlx::query("DELETE FROM orders").execute(&mut *tx).await?;
/// tx.commit().await
/// # }
/// ```
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Transaction<DB: Engine> {
    tx: Tx<DB>,
    // After `tx`, so that it is dropped last.
    ending: Ending<DB>,
}

// === impl Sql ===

impl<DB: Engine> Sql<DB> {
    /// Runs `work` in a transaction, and commits it when `work` returns `Ok`.
    ///
    /// ```
    /// # use purlin_sql::Sql;
    /// # #[derive(Debug, thiserror::Error)]
    /// # enum OrderError { #[error(transparent)] Sql(#[from] sqlx::Error) }
    /// # struct Orders { sql: Sql<sqlx::Sqlite> }
    /// # impl Orders {
    /// async fn delete_all(&self) -> Result<(), OrderError> {
    ///     self.sql
    ///         .with_tx(async |tx| {
    ///             sqlx::query("DELETE FROM orders").execute(&self.sql).await?;     // ambient
    ///             sqlx::query("DELETE FROM history").execute(&mut *tx).await?;     // explicit
    ///             Ok(())
    ///         })
    ///         .await
    /// }
    /// # }
    /// ```
    ///
    /// In the middle of a function the closure's error type must be said: `Ok::<_, OrderError>(..)`.
    ///
    /// An error, a panic and a cancellation roll back; a cancelled commit is either done or not, as
    /// a whole. Inside another `with_tx` of the same database this is a savepoint: it commits with
    /// the outer transaction, and rolls back alone.
    ///
    /// # Errors
    /// The error of `work`, or that of the database when the transaction cannot begin or commit.
    pub async fn with_tx<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Tx<DB>) -> Result<T, E>,
        E: From<sqlx::Error>,
    {
        self.run_in(self.open(None).await?, work).await
    }

    /// Like [`with_tx`](Self::with_tx), with options such as a read-only transaction.
    ///
    /// # Errors
    /// As `with_tx`; and inside a transaction with other options, a refusal.
    pub async fn with_tx_options<T, E, F>(&self, options: DB::TxOptions, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Tx<DB>) -> Result<T, E>,
        E: From<sqlx::Error>,
    {
        self.run_in(self.open(Some(options)).await?, work).await
    }

    /// Begins a transaction by hand; see [`Transaction`].
    ///
    /// Inside of `with_tx` it is a savepoint; until it ends, only its own queries run.
    ///
    /// # Errors
    /// That of the database.
    pub async fn begin(&self) -> sqlx::Result<Transaction<DB>> {
        self.begin_options(None).await
    }

    /// Like [`begin`](Self::begin), with options.
    ///
    /// # Errors
    /// As `begin`; and inside a transaction with other options, a refusal.
    pub async fn begin_with(&self, options: DB::TxOptions) -> sqlx::Result<Transaction<DB>> {
        self.begin_options(Some(options)).await
    }

    async fn begin_options(&self, options: Option<DB::TxOptions>) -> sqlx::Result<Transaction<DB>> {
        let ending = self.open(options).await?;
        ending.0.park_outer(Refused::SavepointOpen);
        Ok(Transaction { tx: Tx { sql: self.clone(), slot: ending.0.clone() }, ending })
    }

    pub(crate) async fn open(&self, options: Option<DB::TxOptions>) -> sqlx::Result<Ending<DB>> {
        if let Found::Here(outer) = self.0.key.find::<Slot<DB>>() {
            return match options {
                Some(options) if options != *outer.options() => Err(Refused::Options.into()),
                _ => outer.savepoint().await,
            };
        }
        let options = options.unwrap_or_default();
        let mut lease = Lease::take(self, DB::is_read_only(&options)).await?;
        lease.begin(&options).await?;
        Ok(Slot::root(lease, self.settings(), options))
    }

    async fn run_in<T, E, F>(&self, ending: Ending<DB>, work: F) -> Result<T, E>
    where
        F: AsyncFnOnce(&mut Tx<DB>) -> Result<T, E>,
        E: From<sqlx::Error>,
    {
        let slot = &ending.0;
        let mut tx = Tx { sql: self.clone(), slot: slot.clone() };
        let outcome = self.0.key.enter(slot.clone(), work(&mut tx)).await;
        slot.finish(outcome).await
    }
}

// === impl Tx ===

executor!(&'c mut Tx<DB>, Tx::target);

impl<DB: Engine> Tx<DB> {
    fn target(&mut self) -> Target<DB> {
        Target::within(&self.sql, &self.slot)
    }
}

impl<DB: Engine> fmt::Debug for Tx<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx")
            .field("sql", &self.sql)
            .field("nested", &self.slot.is_nested())
            .finish()
    }
}

// === impl Transaction ===

impl<DB: Engine> Transaction<DB> {
    /// Makes the work durable, or part of the transaction around it.
    ///
    /// # Errors
    /// That of the database; the work is rolled back then.
    pub async fn commit(self) -> sqlx::Result<()> {
        self.ending.0.commit().await
    }

    /// Throws the work away, and waits for it.
    ///
    /// # Errors
    /// That of the database; the connection is closed then.
    pub async fn rollback(self) -> sqlx::Result<()> {
        self.ending.0.rollback().await
    }
}

impl<DB: Engine> Deref for Transaction<DB> {
    type Target = Tx<DB>;

    fn deref(&self) -> &Tx<DB> {
        &self.tx
    }
}

impl<DB: Engine> DerefMut for Transaction<DB> {
    fn deref_mut(&mut self) -> &mut Tx<DB> {
        &mut self.tx
    }
}

impl<DB: Engine> fmt::Debug for Transaction<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Transaction").field(&self.tx).finish()
    }
}
