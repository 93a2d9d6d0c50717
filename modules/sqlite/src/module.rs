//! The module.

use std::sync::Arc;

use purlin::{error::Result, init::Init, module::Module};
use purlin_sql::{Settings, metrics::Metrics};
use sqlx::migrate::Migrator;

use crate::{client::Sqlite, config::SqliteConfig, health::SqliteHealth};

/// Gives a [`Sqlite`].
///
/// ```no_run
/// # use purlin_sqlite::SqliteModule;
/// # async fn example() -> Result<(), sqlx::migrate::MigrateError> {
/// # let migrations = sqlx::migrate::Migrator::new(std::path::Path::new("migrations")).await?;
/// let plain = SqliteModule;
/// let migrated = SqliteModule.migrations(migrations);       // migrate!() in a service
/// # Ok(())
/// # }
/// ```
///
/// # Lifecycle
/// It opens the database and applies the migrations, unless `sqlite.migrate` is off. Its health is
/// `SELECT 1`. At stop it waits for what runs, then closes the connections; the last one to close
/// moves the write-ahead log into the database.
#[derive(Debug, Clone, Copy, Default)]
pub struct SqliteModule;

/// A [`SqliteModule`] that migrates the database; made by [`SqliteModule::migrations`].
#[derive(Debug)]
pub struct MigratedSqliteModule(Vec<Migrator>);

// === impl SqliteModule ===

impl SqliteModule {
    /// Applies `migrations` at start: `migrate!()` embeds those in `./migrations`.
    pub fn migrations(self, migrations: Migrator) -> MigratedSqliteModule {
        MigratedSqliteModule(vec![migrations])
    }
}

impl Module for SqliteModule {
    const NAME: &'static str = "sqlite";
    type Config = SqliteConfig;
    type Needs = ();
    type Gives = Sqlite;

    async fn init(&self, config: SqliteConfig, (): (), cx: &mut Init) -> Result<Sqlite> {
        start(&config, &[], cx).await
    }
}

// === impl MigratedSqliteModule ===

impl MigratedSqliteModule {
    /// Applies further migrations, after the others. Each migrator needs a history of its own
    /// ([`Migrator::dangerous_set_table_name`]).
    #[must_use]
    pub fn migrations(mut self, migrations: Migrator) -> Self {
        self.0.push(migrations);
        self
    }
}

impl Module for MigratedSqliteModule {
    const NAME: &'static str = SqliteModule::NAME;
    type Config = SqliteConfig;
    type Needs = ();
    type Gives = Sqlite;

    async fn init(&self, config: SqliteConfig, (): (), cx: &mut Init) -> Result<Sqlite> {
        start(&config, &self.0, cx).await
    }
}

async fn start(config: &SqliteConfig, migrators: &[Migrator], cx: &mut Init) -> Result<Sqlite> {
    let settings = Settings {
        metrics: Metrics::new(cx.section(), &cx.meter()),
        ..Settings::new(cx.clock().clone(), cx.entropy().clone())
    };
    let sqlite = config.open(settings).await?;
    cx.undo("close the database", &Arc::new(sqlite.clone()), |sqlite| async move {
        sqlite.close().await
    });

    let mut applied = 0;
    for migrator in migrators.iter().filter(|_| config.migrate) {
        applied += config.migrate(&sqlite, migrator).await?.applied;
    }
    cx.health(cx.section().to_owned(), &Arc::new(SqliteHealth::new(sqlite.clone())));
    cx.detail(detail(config, applied));
    Ok(sqlite)
}

fn detail(config: &SqliteConfig, applied: usize) -> String {
    let path = config.path();
    let path = path.strip_prefix(".").unwrap_or(&path).display();
    match applied {
        0 => path.to_string(),
        1 => format!("{path}, 1 migration applied"),
        _ => format!("{path}, {applied} migrations applied"),
    }
}
