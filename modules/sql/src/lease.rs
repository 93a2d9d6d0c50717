//! A pooled connection that does not go back with an open transaction.

use sqlx::{SqlStr, pool::PoolConnection};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::{
    engine::Engine,
    handle::Sql,
    metrics::{Fate, Metrics, Waiting},
};

/// A connection of the pool, and whether it may be in a transaction.
///
/// sqlx trusts its own count of open transactions when a connection returns to the pool, and in
/// 0.9.0 that count is wrong after a cancelled `begin()` ([#4385], [#4393]): on Postgres the next
/// user gets a connection inside of a stranger's transaction, and on SQLite a cancelled savepoint
/// takes the outer transaction with it. Here a transaction is begun and ended by plain statements
/// that sqlx does not count. While one may be open, `open` is true; a lease that is dropped in this
/// state is rolled back in a task of its own, and closed if that does not succeed.
///
/// [#4385]: https://github.com/launchbadge/sqlx/issues/4385
/// [#4393]: https://github.com/launchbadge/sqlx/issues/4393
pub(crate) struct Lease<DB: Engine> {
    connection: Option<PoolConnection<DB>>,
    pub(crate) open: bool,
    /// What is to be counted when it is dropped, if it had a transaction.
    fate: Option<Fate>,
    metrics: Metrics,
    cleaners: TaskTracker,
}

// === impl Lease ===

impl<DB: Engine> Lease<DB> {
    /// Waits for a connection, which need not write if the caller only `reads`.
    pub(crate) async fn take(sql: &Sql<DB>, reads: bool) -> sqlx::Result<Self> {
        let (pool, role) = sql.pool_for(reads);
        let waiting = Waiting::begin(sql.settings(), role);
        let connection = pool.acquire().await.inspect_err(|error| waiting.fail(error))?;
        let (metrics, cleaners) = (sql.metrics().clone(), sql.0.cleaners.clone());
        Ok(Self { connection: Some(connection), open: false, fate: None, metrics, cleaners })
    }

    pub(crate) fn connection(&mut self) -> &mut DB::Connection {
        self.connection.as_mut().expect("only drop takes it")
    }

    /// Begins a transaction. `open` is set first: from the first poll on, the statement may be on
    /// its way.
    pub(crate) async fn begin(&mut self, options: &DB::TxOptions) -> sqlx::Result<()> {
        self.open = true;
        self.fate = Some(Fate::NotBegun);
        DB::run(self.connection(), SqlStr::from_static(DB::begin(options))).await?;
        self.fate = Some(Fate::RolledBack);
        Ok(())
    }

    pub(crate) async fn commit(&mut self) -> sqlx::Result<()> {
        self.fate = Some(Fate::Unknown);
        let outcome = self.end("COMMIT").await;
        self.fate = Some(match &outcome {
            Ok(()) => Fate::Committed,
            Err(sqlx::Error::Database(_)) => Fate::RolledBack,
            // The database did not say.
            Err(_) => Fate::Unknown,
        });
        outcome
    }

    pub(crate) async fn rollback(&mut self) -> sqlx::Result<()> {
        self.end("ROLLBACK").await
    }

    async fn end(&mut self, statement: &'static str) -> sqlx::Result<()> {
        DB::run(self.connection(), SqlStr::from_static(statement)).await?;
        self.open = false;
        Ok(())
    }
}

impl<DB: Engine> Drop for Lease<DB> {
    fn drop(&mut self) {
        if let Some(fate) = self.fate {
            self.metrics.transaction(fate);
        }
        let Some(connection) = self.connection.take().filter(|_| self.open) else { return };
        // The pool waits for the connection when it is closed, and `Sql::close` for the task.
        match Handle::try_current() {
            Ok(runtime) => drop(self.cleaners.spawn_on(recover(connection), &runtime)),
            Err(_) => drop(connection.detach()),
        }
    }
}

async fn recover<DB: Engine>(mut connection: PoolConnection<DB>) {
    if let Err(error) = DB::recover(&mut connection).await {
        tracing::warn!(%error, engine = DB::NAME, "closing a connection whose transaction could not be rolled back");
        let _ = connection.close().await;
    }
}
