//! Opening and migrating a database, with or without an application around it.

use std::{path::Path, time::Duration};

use purlin_sql::{
    Connect, Migrated, Settings, Sql,
    metrics::{Metrics, Role},
};
use sqlx::{
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};

use crate::{
    config::SqliteConfig,
    error::{OpenError, is_busy},
};

/// A SQLite database; see [`Sql`] for what it can do.
pub type Sqlite = Sql<sqlx::Sqlite>;

// === impl SqliteConfig ===

impl SqliteConfig {
    /// Opens the database, and creates it when there is none.
    ///
    /// # Errors
    /// [`OpenError`] says what was tried, and what to change.
    pub async fn open(&self, settings: Settings) -> Result<Sqlite, OpenError> {
        self.check_file()?;
        let (path, dir) = (self.path(), self.dir.path());
        let created = tokio::fs::create_dir_all(dir).await;
        created.map_err(|source| OpenError::Directory { dir: dir.to_owned(), source })?;

        let writer = self.writer(&path, &settings).await?;
        let readers = self.readers(&path, &settings.metrics);
        Ok(Sql::new(writer, Some(readers), settings))
    }

    /// Applies the migrations that the database does not have yet, as [`Sql::migrate`] does.
    ///
    /// # Errors
    /// [`OpenError`] says which migration failed, and what to do.
    pub async fn migrate(
        &self,
        sqlite: &Sqlite,
        migrator: &Migrator,
    ) -> Result<Migrated, OpenError> {
        sqlite.migrate(migrator).await.map_err(|error| OpenError::migration(self, error))
    }

    fn check_file(&self) -> Result<(), OpenError> {
        let is_name =
            Path::new(&self.file).file_name().is_some_and(|name| name == self.file.as_str());
        match is_name && !self.file.starts_with(':') {
            true => Ok(()),
            false => Err(OpenError::File { file: self.file.clone() }),
        }
    }

    /// The switch to the write-ahead log needs the database for itself and does not wait for it, so
    /// that of two processes that open a new database together one finds it busy: ask again.
    async fn writer(
        &self,
        path: &Path,
        settings: &Settings,
    ) -> Result<sqlx::SqlitePool, OpenError> {
        const PAUSE: Duration = Duration::from_millis(20);
        let options =
            self.options(path).create_if_missing(true).journal_mode(SqliteJournalMode::Wal);
        let deadline = settings.clock.now() + self.busy_timeout;
        let pool = settings.metrics.counted(self.pool(1), Role::Writer);
        loop {
            match pool.clone().connect_with(options.clone()).await {
                Ok(pool) => return Ok(pool),
                Err(error) if is_busy(&error) && settings.clock.now() < deadline => {
                    settings.clock.sleep(settings.entropy.jitter(PAUSE, 0.5)).await;
                }
                Err(error) => return Err(OpenError::open(self, error)),
            }
        }
    }

    fn readers(&self, path: &Path, metrics: &Metrics) -> sqlx::SqlitePool {
        let options = self.options(path).pragma("query_only", "ON");
        let pool = metrics.counted(self.pool(self.max_readers), Role::Readers);
        pool.connect_lazy_with(options)
    }

    fn options(&self, path: &Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(self.busy_timeout)
            .foreign_keys(true)
            .synchronous(self.synchronous.into())
    }

    /// Connections live in this process: they neither age nor break, so that testing or replacing
    /// them would only cost time.
    fn pool(&self, connections: u32) -> SqlitePoolOptions {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(self.acquire_timeout)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
    }
}

impl Connect for &SqliteConfig {
    type Engine = sqlx::Sqlite;
    type Error = OpenError;

    async fn connect(self) -> Result<Sqlite, OpenError> {
        self.open(Settings::default()).await
    }
}

impl Connect for SqliteConfig {
    type Engine = sqlx::Sqlite;
    type Error = OpenError;

    async fn connect(self) -> Result<Sqlite, OpenError> {
        self.open(Settings::default()).await
    }
}
