//! Migrations.

use std::borrow::Cow;

use purlin_sql::Settings;
use purlin_sqlite::OpenError;
use sqlx::{
    SqlSafeStr as _,
    migrate::{Migration, MigrationType, Migrator},
};
use tempfile::TempDir;

use crate::support::config;

fn migrator(migrations: &[(i64, &'static str)]) -> Migrator {
    Migrator::with_migrations(
        migrations.iter().map(|(version, sql)| migration(*version, sql, false)).collect(),
    )
}

fn migration(version: i64, sql: &'static str, no_tx: bool) -> Migration {
    Migration::new(
        version,
        Cow::Borrowed("a test"),
        MigrationType::Simple,
        sql.into_sql_str(),
        no_tx,
    )
}

const FIRST: (i64, &str) = (1, "CREATE TABLE a (n INTEGER)");
const SECOND: (i64, &str) = (2, "ALTER TABLE a ADD COLUMN m INTEGER");

#[tokio::test]
async fn pending_migrations_are_applied_once_and_counted() {
    let dir = TempDir::new().unwrap();
    let config = config(&dir);
    let sqlite = config.open(Settings::default()).await.unwrap();
    assert_eq!(config.migrate(&sqlite, &migrator(&[FIRST])).await.unwrap().applied, 1);
    let both = config.migrate(&sqlite, &migrator(&[FIRST, SECOND])).await.unwrap();
    assert_eq!((both.applied, both.total), (1, 2));
    assert_eq!(config.migrate(&sqlite, &migrator(&[FIRST, SECOND])).await.unwrap().applied, 0);
    sqlx::query("INSERT INTO a (n, m) VALUES (1, 2)").execute(&sqlite).await.unwrap();
}

#[tokio::test]
async fn processes_that_start_together_apply_each_migration_once() {
    let dir = TempDir::new().unwrap();
    let config = config(&dir);
    let start = async || {
        let sqlite = config.open(Settings::default()).await.unwrap();
        config.migrate(&sqlite, &migrator(&[FIRST, SECOND])).await.unwrap().applied
    };
    let (a, b, c, d) = tokio::join!(start(), start(), start(), start());
    assert_eq!(a + b + c + d, 2);
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_of_its_run() {
    let dir = TempDir::new().unwrap();
    let config = config(&dir);
    let sqlite = config.open(Settings::default()).await.unwrap();
    let broken =
        migrator(&[FIRST, (2, "CREATE TABLE b (n INTEGER); INSERT INTO nowhere VALUES (1)")]);
    let error = config.migrate(&sqlite, &broken).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("app.db") && text.contains("migration 2 failed"), "{text}");
    let tables = "SELECT count(*) FROM sqlite_master WHERE name IN ('a', 'b')";
    assert_eq!(sqlx::query_scalar::<_, i64>(tables).fetch_one(&sqlite).await.unwrap(), 0);
    assert_eq!(config.migrate(&sqlite, &migrator(&[FIRST, SECOND])).await.unwrap().applied, 2);
}

#[tokio::test]
async fn a_changed_or_unknown_migration_is_refused_with_what_to_do() {
    let dir = TempDir::new().unwrap();
    let config = config(&dir);
    let sqlite = config.open(Settings::default()).await.unwrap();
    config.migrate(&sqlite, &migrator(&[FIRST, SECOND])).await.unwrap();
    let changed = config
        .migrate(&sqlite, &migrator(&[(1, "CREATE TABLE a (m TEXT)"), SECOND]))
        .await
        .unwrap_err();
    assert!(
        changed.to_string().contains("migration 1 was changed after it had been applied"),
        "{changed}"
    );
    let older = config.migrate(&sqlite, &migrator(&[FIRST])).await.unwrap_err();
    assert!(older.to_string().contains("start that version or a newer one"), "{older}");
    assert!(matches!(older, OpenError::Migration { .. }));
}

#[tokio::test]
async fn a_migration_without_a_transaction_and_a_history_of_its_own() {
    let dir = TempDir::new().unwrap();
    let config = config(&dir);
    let sqlite = config.open(Settings::default()).await.unwrap();
    let vacuum =
        Migrator::with_migrations(vec![migration(1, FIRST.1, false), migration(2, "VACUUM", true)]);
    assert_eq!(config.migrate(&sqlite, &vacuum).await.unwrap().applied, 2);
    let mut own = migrator(&[(1, "CREATE TABLE lease (name TEXT)")]);
    own.dangerous_set_table_name("_purlin_migrations");
    assert_eq!(config.migrate(&sqlite, &own).await.unwrap().applied, 1);
    assert_eq!(config.migrate(&sqlite, &vacuum).await.unwrap().applied, 0);
}
