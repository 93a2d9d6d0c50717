//! Migrations, run under a lock.

use sqlx::{
    Connection as _, SqlStr,
    migrate::{Migrate, MigrateError, Migration, Migrator},
};

use crate::{engine::Engine, handle::Sql, lease::Lease};

/// What a run of migrations did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migrated {
    /// Migrations that were applied by this run.
    pub applied: usize,
    /// Migrations that the database has now, in the history of this migrator.
    pub total: usize,
}

// === impl Sql ===

impl<DB: Engine> Sql<DB>
where
    DB::Connection: Migrate,
{
    /// Applies the migrations that the database does not have yet: all of them, or none.
    ///
    /// ```no_run
    /// # async fn example(sql: purlin_sql::Sql<sqlx::Sqlite>) -> Result<(), sqlx::migrate::MigrateError> {
    /// let migrations = sqlx::migrate::Migrator::new(std::path::Path::new("migrations")).await?;
    /// let migrated = sql.migrate(&migrations).await?;
    /// println!("{} migrations applied", migrated.applied);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// They run in one transaction, so that several processes may start at once: the first applies
    /// them while the others wait. A migration marked `-- no-transaction` cannot: when one is
    /// pending, each pending migration runs by itself, without the lock where the engine has no
    /// other one (SQLite).
    ///
    /// The history is kept in the table that the migrator names, `_sqlx_migrations` by default; a
    /// library that migrates tables of its own sets another name.
    ///
    /// # Errors
    /// When a migration fails, when an applied one was changed or is missing, or when the database
    /// cannot be reached.
    pub async fn migrate(&self, migrator: &Migrator) -> Result<Migrated, MigrateError> {
        let table = &migrator.table_name;
        let mut lease = Lease::take(self, false).await?;
        // sqlx counts this transaction, since its own steps are savepoints in there; the lease
        // makes up for a count that goes wrong.
        lease.open = true;
        let connection = lease.connection();
        let begin = SqlStr::from_static(DB::begin(&DB::TxOptions::default()));
        let mut locked = connection.begin_with(begin).await?;
        locked.ensure_migrations_table(table).await?;
        let before = locked.list_applied_migrations(table).await?;
        let is_pending = |migration: &Migration| {
            migration.migration_type.is_up_migration()
                && before.iter().all(|applied| applied.version != migration.version)
        };
        if migrator.iter().any(|migration| migration.no_tx && is_pending(migration)) {
            locked.rollback().await?;
            migrator.run_direct(None, connection, false).await?;
        } else {
            migrator.run_direct(None, &mut *locked, false).await?;
            locked.commit().await?;
        }
        let total = connection.list_applied_migrations(table).await?.len();
        lease.open = false;
        Ok(Migrated { applied: total - before.len(), total })
    }
}
