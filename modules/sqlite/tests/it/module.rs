//! The module in an application.

use std::borrow::Cow;

use purlin::app::App;
use purlin_sqlite::{Sqlite, SqliteModule};
use sqlx::{
    SqlSafeStr as _,
    migrate::{Migration, MigrationType, Migrator},
};
use tempfile::TempDir;

#[tokio::test]
async fn an_application_opens_migrates_and_closes_its_database() {
    let dir = TempDir::new().unwrap();
    let create = "CREATE TABLE orders (id INTEGER)".into_sql_str();
    let migration =
        Migration::new(1, Cow::Borrowed("orders"), MigrationType::Simple, create, false);
    let module = SqliteModule.migrations(Migrator::with_migrations(vec![migration]));
    let app = App::builder().module(module).set("sqlite.dir", dir.path().to_str().unwrap());
    let running = app.start().await.unwrap();
    let sqlite: Sqlite = running.get();
    sqlx::query("INSERT INTO orders (id) VALUES (1)").execute(&sqlite).await.unwrap();
    running.stop().await;
    assert!(sqlite.pool().is_closed() && sqlite.readers().unwrap().is_closed());
    assert!(dir.path().join("app.db").exists());
}
