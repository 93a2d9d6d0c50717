//! A database with one table, and what tests do with it.

use purlin_sql::Settings;
use purlin_sqlite::{Sqlite, SqliteConfig};
use tempfile::TempDir;

pub(crate) struct Database {
    pub(crate) sqlite: Sqlite,
    pub(crate) config: SqliteConfig,
    _dir: TempDir,
}

/// A repository as users write it: it knows its handle, and nothing of transactions.
#[derive(Clone)]
pub(crate) struct Notes {
    pub(crate) sqlite: Sqlite,
}

/// The error type of a service.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("on purpose")]
    OnPurpose,
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

pub(crate) fn config(dir: &TempDir) -> SqliteConfig {
    SqliteConfig { dir: dir.path().into(), ..SqliteConfig::default() }
}

pub(crate) async fn database() -> Database {
    database_with(Settings::default(), |_| {}).await
}

pub(crate) async fn database_with(
    settings: Settings,
    change: impl FnOnce(&mut SqliteConfig),
) -> Database {
    let dir = TempDir::new().unwrap();
    let mut config = config(&dir);
    change(&mut config);
    let sqlite = config.open(settings).await.unwrap();
    sqlx::query("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)")
        .execute(&sqlite)
        .await
        .unwrap();
    Database { sqlite, config, _dir: dir }
}

impl Database {
    pub(crate) fn notes(&self) -> Notes {
        Notes { sqlite: self.sqlite.clone() }
    }
}

impl Notes {
    pub(crate) async fn add(&self, text: &str) -> sqlx::Result<i64> {
        let insert = sqlx::query_scalar("INSERT INTO note (text) VALUES (?) RETURNING id");
        insert.bind(text.to_owned()).fetch_one(&self.sqlite).await
    }

    pub(crate) async fn all(&self) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar("SELECT text FROM note ORDER BY id").fetch_all(&self.sqlite).await
    }
}
