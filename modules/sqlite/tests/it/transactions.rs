//! What is in a transaction, and what becomes of it.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use purlin::{ambient, async_trait, clock::Clock, entropy::Entropy, error::Code};
use purlin_sql::{Refused, Settings, SqliteTx, code};
use purlin_sqlite::Sqlite;
use tokio::task::JoinSet;

use crate::support::{Failure, Notes, database, database_with};

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn repositories_join_and_the_explicit_transaction_is_the_same() {
    let db = database().await;
    let notes = db.notes();
    let work = db.sqlite.with_tx(async |tx| {
        notes.add("ambient").await?;
        sqlx::query("INSERT INTO note (text) VALUES ('explicit')").execute(&mut *tx).await?;
        assert_eq!(notes.all().await?, ["ambient", "explicit"]);
        Err::<(), _>(Failure::OnPurpose)
    });
    assert!(matches!(assert_send(work).await, Err(Failure::OnPurpose)));
    assert!(notes.all().await.unwrap().is_empty());

    db.sqlite.with_tx(async |_tx| notes.add("kept").await).await.unwrap();
    assert_eq!(notes.all().await.unwrap(), ["kept"]);
}

/// The shape of a service: traits behind `Arc<dyn ..>`, whose futures are boxed and must be `Send`.
#[async_trait]
trait Service: Send + Sync {
    async fn add_both(&self, one: &str, other: &str) -> Result<i64, Failure>;
}

struct ServiceImpl {
    sqlite: Sqlite,
    notes: Arc<Notes>,
}

#[async_trait]
impl Service for ServiceImpl {
    async fn add_both(&self, one: &str, other: &str) -> Result<i64, Failure> {
        let first = self.sqlite.with_tx_retrying(|| async { self.notes.add(one).await }).await?;
        let sum = self
            .sqlite
            .with_tx(async |tx| {
                let second = self.notes.add(other).await?;
                let more = sqlx::query("DELETE FROM note WHERE id > ?").bind(second);
                assert_eq!(more.execute(&mut *tx).await?.rows_affected(), 0);
                Ok::<_, Failure>(first + second)
            })
            .await?;
        Ok(sum)
    }
}

#[tokio::test]
async fn a_service_behind_a_trait_object_uses_it() {
    let db = database().await;
    let service: Arc<dyn Service> =
        Arc::new(ServiceImpl { sqlite: db.sqlite.clone(), notes: Arc::new(db.notes()) });
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { service.add_both("one", "other").await });
    assert_eq!(tasks.join_next().await.unwrap().unwrap().unwrap(), 3);
}

#[tokio::test]
async fn a_transaction_is_not_seen_before_its_commit() {
    let db = database().await;
    let (notes, outside) = (db.notes(), db.sqlite.readers().unwrap());
    let count =
        async || sqlx::query_scalar::<_, i64>("SELECT count(*) FROM note").fetch_one(outside).await;
    db.sqlite
        .with_tx(async |_tx| {
            notes.add("one").await?;
            assert_eq!(count().await?, 0);
            Ok::<_, sqlx::Error>(())
        })
        .await
        .unwrap();
    assert_eq!(count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_nested_transaction_is_a_savepoint() {
    let db = database().await;
    let notes = db.notes();
    db.sqlite
        .with_tx(async |tx| {
            notes.add("before").await?;
            let inner: Result<(), Failure> = db
                .sqlite
                .with_tx(async |_tx| {
                    notes.add("lost").await?;
                    // The outer handle inside of the savepoint is inside of the savepoint.
                    sqlx::query("INSERT INTO note (text) VALUES ('lost too')")
                        .execute(&mut *tx)
                        .await?;
                    Err(Failure::OnPurpose)
                })
                .await;
            assert!(matches!(inner, Err(Failure::OnPurpose)));
            db.sqlite
                .with_tx(async |_tx| {
                    notes.add("inner").await?;
                    db.sqlite.with_tx(async |_tx| notes.add("innermost").await).await
                })
                .await?;
            notes.add("after").await?;
            Ok::<_, Failure>(())
        })
        .await
        .unwrap();
    assert_eq!(notes.all().await.unwrap(), ["before", "inner", "innermost", "after"]);
}

#[tokio::test]
async fn two_databases_of_one_engine_never_mix() {
    let (one, other) = (database().await, database().await);
    let (in_one, in_other) = (one.notes(), other.notes());
    let failed: Result<(), Failure> = one
        .sqlite
        .with_tx(async |_tx| {
            in_one.add("lost").await?;
            in_other.add("kept").await?;
            other
                .sqlite
                .with_tx(async |_tx| {
                    in_one.add("lost too").await?;
                    in_other.add("kept too").await?;
                    Ok::<_, sqlx::Error>(())
                })
                .await?;
            Err(Failure::OnPurpose)
        })
        .await;
    assert!(matches!(failed, Err(Failure::OnPurpose)));
    assert!(in_one.all().await.unwrap().is_empty());
    assert_eq!(in_other.all().await.unwrap(), ["kept", "kept too"]);
}

#[tokio::test]
async fn a_panic_rolls_back_and_the_handle_still_works() {
    let db = database().await;
    let notes = db.notes();
    let work = db.sqlite.with_tx(async |_tx| {
        notes.add("lost").await?;
        if notes.all().await?.len() == 1 {
            panic!("on purpose");
        }
        Ok::<_, sqlx::Error>(())
    });
    assert!(AssertUnwindSafe(work).catch_unwind().await.is_err());
    notes.add("kept").await.unwrap();
    assert_eq!(notes.all().await.unwrap(), ["kept"]);
}

#[tokio::test]
async fn a_spawned_task_is_refused_and_may_begin_its_own() {
    let db = database().await;
    let notes = db.notes();
    let (plain, own) = db
        .sqlite
        .with_tx(async |_tx| {
            let mut tasks = JoinSet::new();
            let spawned = notes.clone();
            tasks.spawn(ambient::carry(async move { spawned.add("refused").await }));
            let plain = tasks.join_next().await.unwrap().unwrap();
            let spawned = notes.clone();
            // Polled after the outer transaction, which has the only connection that writes.
            let own = ambient::carry(async move {
                spawned.sqlite.with_tx(async |_tx| spawned.add("kept").await).await
            });
            Ok::<_, sqlx::Error>((plain, own))
        })
        .await
        .unwrap();
    assert_eq!(plain.unwrap_err().to_string(), Refused::Spawned.to_string());
    own.await.unwrap();
    assert_eq!(notes.all().await.unwrap(), ["kept"]);
}

#[tokio::test]
async fn a_transaction_by_hand_rolls_back_when_it_is_dropped() {
    let db = database().await;
    let notes = db.notes();
    let mut lost = db.sqlite.begin().await.unwrap();
    sqlx::query("INSERT INTO note (text) VALUES ('lost')").execute(&mut *lost).await.unwrap();
    drop(lost);
    let mut thrown_away = db.sqlite.begin().await.unwrap();
    sqlx::query("INSERT INTO note (text) VALUES ('lost')")
        .execute(&mut *thrown_away)
        .await
        .unwrap();
    thrown_away.rollback().await.unwrap();
    let mut kept = db.sqlite.begin().await.unwrap();
    sqlx::query("INSERT INTO note (text) VALUES ('kept')").execute(&mut *kept).await.unwrap();
    kept.commit().await.unwrap();
    assert_eq!(notes.all().await.unwrap(), ["kept"]);
}

#[tokio::test]
async fn a_savepoint_by_hand_keeps_others_out_until_it_ends() {
    let db = database().await;
    let notes = db.notes();
    db.sqlite
        .with_tx(async |_tx| {
            let mut savepoint = db.sqlite.begin().await?;
            sqlx::query("INSERT INTO note (text) VALUES ('one')").execute(&mut *savepoint).await?;
            assert_eq!(
                notes.add("two").await.unwrap_err().to_string(),
                Refused::SavepointOpen.to_string()
            );
            savepoint.commit().await?;
            drop(db.sqlite.begin().await?);
            notes.add("three").await
        })
        .await
        .unwrap();
    assert_eq!(notes.all().await.unwrap(), ["one", "three"]);
}

#[tokio::test]
async fn what_sqlite_rolled_back_by_itself_is_not_continued() {
    let db = database().await;
    let notes = db.notes();
    let outcome = db
        .sqlite
        .with_tx(async |_tx| {
            notes.add("lost").await?;
            let conflict = sqlx::query("INSERT OR ROLLBACK INTO note (text) VALUES ('lost')")
                .execute(&db.sqlite)
                .await;
            assert_eq!(code(&conflict.unwrap_err()), Code::AlreadyExists);
            let next = notes.add("would be committed on its own").await;
            assert_eq!(next.unwrap_err().to_string(), Refused::Lost.to_string());
            Ok::<_, sqlx::Error>(())
        })
        .await;
    assert_eq!(outcome.unwrap_err().to_string(), Refused::Lost.to_string());
    assert!(notes.all().await.unwrap().is_empty());
    notes.add("the connection is fine").await.unwrap();
}

#[tokio::test]
async fn a_failed_statement_does_not_end_the_transaction() {
    let db = database().await;
    let notes = db.notes();
    db.sqlite
        .with_tx(async |_tx| {
            notes.add("one").await?;
            let taken = notes.add("one").await.unwrap_err();
            assert_eq!(code(&taken), Code::AlreadyExists);
            let null =
                sqlx::query("INSERT INTO note (text) VALUES (NULL)").execute(&db.sqlite).await;
            assert_eq!(code(&null.unwrap_err()), Code::FailedPrecondition);
            notes.add("two").await
        })
        .await
        .unwrap();
    assert_eq!(notes.all().await.unwrap(), ["one", "two"]);
}

#[tokio::test]
async fn a_read_only_transaction_reads_one_state_while_others_write() {
    let db = database().await;
    let notes = db.notes();
    notes.add("one").await.unwrap();
    let mut snapshot = db.sqlite.begin_with(SqliteTx::ReadOnly).await.unwrap();
    let count = "SELECT count(*) FROM note";
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&mut *snapshot).await.unwrap(), 1);
    notes.add("two").await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&mut *snapshot).await.unwrap(), 1);
    let write = sqlx::query("DELETE FROM note").execute(&mut *snapshot).await.unwrap_err();
    assert_eq!(code(&write), Code::FailedPrecondition);
    snapshot.rollback().await.unwrap();

    let nested = db
        .sqlite
        .with_tx_options(SqliteTx::ReadOnly, async |_tx| {
            db.sqlite
                .with_tx_options(SqliteTx::Immediate, async |_tx| notes.add("three").await)
                .await
        })
        .await;
    assert_eq!(nested.unwrap_err().to_string(), Refused::Options.to_string());
}

#[tokio::test]
async fn a_retrying_transaction_repeats_what_was_lost_to_another_process() {
    let (clock, hand) = Clock::held();
    let impatient = |config: &mut purlin_sqlite::SqliteConfig| config.busy_timeout = Duration::ZERO;
    let db = database_with(Settings::new(clock, Entropy::seeded(1)), impatient).await;
    let (notes, other) = (db.notes(), db.config.open(Settings::default()).await.unwrap());
    let lock = other.begin().await.unwrap();
    let runs = AtomicU32::new(0);
    let work = db.sqlite.with_tx_retrying(|| async {
        runs.fetch_add(1, Ordering::Relaxed);
        notes.add("kept").await
    });
    let release = async {
        hand.sleepers(1).await;
        lock.rollback().await.unwrap();
        hand.advance(Duration::from_secs(1));
    };
    let (outcome, ()) = tokio::join!(work, release);
    outcome.unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    assert_eq!(notes.all().await.unwrap(), ["kept"]);
}

#[tokio::test]
async fn a_retrying_transaction_starts_from_the_beginning_and_gives_up() {
    let settings = Settings { pause: Duration::from_micros(1), attempts: 3, ..Settings::default() };
    let db = database_with(settings, |_| {}).await;
    let (notes, runs) = (db.notes(), AtomicU32::new(0));
    let outcome = db
        .sqlite
        .with_tx_retrying(|| async {
            notes.add("lost each time").await?;
            runs.fetch_add(1, Ordering::Relaxed);
            // It needs the database for itself, which a transaction never has: SQLITE_LOCKED.
            sqlx::query("PRAGMA wal_checkpoint").execute(&db.sqlite).await.map(drop)
        })
        .await;
    assert_eq!(code(&outcome.unwrap_err()), Code::Unavailable);
    assert_eq!(runs.load(Ordering::Relaxed), 3);
    assert!(notes.all().await.unwrap().is_empty());
}
