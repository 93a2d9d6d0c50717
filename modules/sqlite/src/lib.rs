//! SQLite, embedded: a database that needs no server, for services with one replica, for tests, and
//! for what the framework itself has to store.
//!
//! ```no_run
//! use purlin_sqlite::{Sqlite, SqliteConfig};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let sqlite = Sqlite::connect(SqliteConfig::default()).await?;       // ./data/app.db
//! let now: String = sqlx::query_scalar("SELECT datetime()").fetch_one(&sqlite).await?;
//! sqlite.close().await;
//! # Ok(())
//! # }
//! ```
//! In an application it is [`SqliteModule`], with the migrations of the service:
//! `.module(SqliteModule.migrations(migrate!()))`.
//!
//! # One writer, many readers
//! The write-ahead log lets readers work while one connection writes. So there is exactly one
//! connection that writes, for which writers queue in order instead of finding the database busy,
//! and a pool of connections that can only read. A query outside of a transaction goes to a reader
//! when its text says that it only reads (`SELECT`, `VALUES`, `EXPLAIN`, and `WITH` without a word
//! that writes). A transaction takes the writer from its first moment on, unless it was begun as
//! [`SqliteTx::ReadOnly`](purlin_sql::SqliteTx::ReadOnly).
//!
//! Keep transactions short, and never wait in one for somebody who wants to write.
//!
//! # Durability
//! What was committed survives a kill of the process at any moment. With
//! [`Synchronous::Normal`], the default, a loss of power or a crash of the operating system can take
//! the last commits, never the consistency of the database; [`Synchronous::Full`] keeps them, at the
//! price of one `fsync` per commit.

extern crate purlin_core as purlin;

mod client;
mod config;
mod error;
mod health;
mod module;

pub use self::{
    client::Sqlite,
    config::{SqliteConfig, Synchronous},
    error::OpenError,
    health::SqliteHealth,
    module::{MigratedSqliteModule, SqliteModule},
};
