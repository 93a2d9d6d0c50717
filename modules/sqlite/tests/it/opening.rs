//! Databases that cannot be opened, and what the error says.

use std::{path::Path, time::Duration};

use purlin_sql::Settings;
use purlin_sqlite::{OpenError, Sqlite, SqliteConfig};
use tempfile::TempDir;

use crate::support::config;

fn text(error: &OpenError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_new_database_is_created_with_its_directory() {
    let dir = TempDir::new().unwrap();
    let config =
        SqliteConfig { dir: dir.path().join("deep/down").into(), ..SqliteConfig::default() };
    let sqlite = Sqlite::connect(&config).await.unwrap();
    sqlx::query("CREATE TABLE t (n)").execute(&sqlite).await.unwrap();
    let wal = dir.path().join("deep/down/app.db-wal");
    assert!(wal.exists());
    sqlite.close().await;
    assert!(
        config.path().exists() && !wal.exists(),
        "the last connection moves the log into the database"
    );
    let closed = sqlx::query("SELECT 1").execute(&sqlite).await;
    assert!(matches!(closed, Err(sqlx::Error::PoolClosed)));
}

#[tokio::test]
async fn a_locked_database_is_named_with_the_way_out() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("app.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut holder = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::raw_sql("CREATE TABLE t (n); BEGIN EXCLUSIVE").execute(&mut holder).await.unwrap();
    let config = SqliteConfig { busy_timeout: Duration::from_millis(30), ..config(&dir) };
    let error = Sqlite::connect(&config).await.unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }));
    let text = text(&error);
    assert!(text.contains("app.db is locked by another process, also after 30ms"), "{text}");
    assert!(text.contains("sqlite.busy_timeout"), "{text}");
}

#[tokio::test]
async fn a_file_that_is_something_else_is_left_alone() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("app.db");
    std::fs::write(
        &path,
        "not a database, but long enough to be read as the header of one. ".repeat(20),
    )
    .unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Sqlite::connect(config(&dir)).await.unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }));
    assert!(text(&error).contains("app.db is not a SQLite database"), "{}", text(&error));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_or_used_is_named() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let below_a_file =
        SqliteConfig { dir: dir.path().join("file/data").into(), ..SqliteConfig::default() };
    let error = Sqlite::connect(below_a_file).await.unwrap_err();
    assert!(text(&error).contains("file/data; set `sqlite.dir`"), "{}", text(&error));

    std::fs::create_dir(dir.path().join("app.db")).unwrap();
    let error = Sqlite::connect(config(&dir)).await.unwrap_err();
    assert!(matches!(error, OpenError::Access { .. }), "{error:?}");
}

#[tokio::test]
async fn a_name_that_is_no_name_is_refused_before_anything_is_made() {
    let dir = TempDir::new().unwrap();
    for file in ["", ":memory:", "../app.db", "a/b.db", ".."] {
        let config = SqliteConfig {
            file: file.to_owned(),
            dir: dir.path().join("new").into(),
            ..SqliteConfig::default()
        };
        let error = config.open(Settings::default()).await.unwrap_err();
        assert!(matches!(error, OpenError::File { .. }), "{file}: {error}");
    }
    assert!(!Path::exists(&dir.path().join("new")));
}
