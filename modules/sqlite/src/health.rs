//! Health.

use purlin::{
    async_trait,
    error::{Context as _, Result},
    health::{HealthCheck, Stats},
};
use sqlx::Connection as _;

use crate::client::Sqlite;

/// The health of a database: a ping and a `SELECT 1` on a connection that reads, and the figures of
/// both pools.
///
/// It leaves the connection that writes alone, since a long transaction is no illness.
#[derive(Debug, Clone)]
pub struct SqliteHealth(Sqlite);

// === impl SqliteHealth ===

impl SqliteHealth {
    /// The health of `sqlite`.
    pub fn new(sqlite: Sqlite) -> Self {
        Self(sqlite)
    }

    async fn probe(&self) -> Result<Stats> {
        let pool = self.0.readers().unwrap_or(self.0.pool());
        let mut connection = pool.acquire().await.context("no connection for readers")?;
        connection.ping().await.context("ping")?;
        let _: i64 =
            sqlx::query_scalar("SELECT 1").fetch_one(&mut *connection).await.context("SELECT 1")?;
        drop(connection);
        Ok(Stats::new()
            .with("writer_idle", self.0.pool().num_idle() > 0)
            .with("readers", pool.size())
            .with("readers_idle", pool.num_idle())
            .with("readers_max", pool.options().get_max_connections()))
    }
}

#[async_trait]
impl HealthCheck for SqliteHealth {
    async fn check(&self) -> Result<Stats> {
        self.0.checked(self.probe()).await
    }
}
