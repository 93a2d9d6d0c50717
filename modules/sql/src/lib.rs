//! SQL on [sqlx]: a handle that is an executor, and transactions that repositories join by
//! themselves.
//!
//! ```
//! use purlin_sql::{Engine, Sql};
//!
//! struct Orders {
//!     sql: Sql<sqlx::Sqlite>,
//! }
//!
//! impl Orders {
//!     async fn insert(&self, customer: &str) -> sqlx::Result<i64> {
//!         sqlx::query_scalar("INSERT INTO orders (customer) VALUES (?) RETURNING id")
//!             .bind(customer)
//!             .fetch_one(&self.sql)
//!             .await
//!     }
//!
//!     async fn insert_both(&self, one: &str, other: &str) -> sqlx::Result<(i64, i64)> {
//!         self.sql.with_tx(async |_tx| Ok((self.insert(one).await?, self.insert(other).await?))).await
//!     }
//! }
//! ```
//!
//! # What is in a transaction
//! Inside [`with_tx`](Sql::with_tx), every query made through *this* database runs in the
//! transaction, whoever makes it; a second database of the same engine is never mistaken for it. A
//! nested `with_tx` is a savepoint. The closure is handed the transaction as well, for code that
//! says what it uses: `.execute(&mut *tx)`; both mix.
//!
//! An error, a panic and a cancellation roll back. A connection returns to the pool only when its
//! transaction has ended for certain, else it is closed.
//!
//! # What is measured
//! Queries, transactions, waits for a connection and checks of the health: [`metrics`].
//!
//! # One query at a time
//! A connection runs one query at a time. Branches of a `join!` inside a transaction take turns. A
//! query while a row stream of the same transaction is open would wait for itself: it is an error,
//! and so is a query in a task that was spawned inside the transaction. Both are
//! [refusals](Refused), which come as [`sqlx::Error::InvalidArgument`].

extern crate purlin_core as purlin;

mod call;
mod engine;
mod error;
mod handle;
mod lease;
pub mod metrics;
mod migration;
mod retry;
mod slot;
mod span;
mod target;
mod tx;

pub use sqlx::migrate;

#[cfg(feature = "sqlite")]
pub use self::engine::{SqliteCode, SqliteTx};
pub use self::{
    engine::Engine,
    error::{Refused, code},
    handle::{Connect, Settings, Sql},
    migration::Migrated,
    tx::{Transaction, Tx},
};
