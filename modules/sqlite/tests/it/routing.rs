//! Which connection a query runs on.

use std::pin::pin;

use purlin::health::HealthCheck as _;
use purlin_sql::Refused;
use purlin_sqlite::SqliteHealth;

use crate::support::database;

#[tokio::test]
async fn reads_do_not_wait_for_a_writer_and_writes_do() {
    let db = database().await;
    let notes = db.notes();
    notes.add("one").await.unwrap();
    let writer = db.sqlite.begin().await.unwrap();
    let mut write = pin!(async {
        notes.add("two").await?;
        let write = "WITH n AS (SELECT 'three' AS text) INSERT INTO note (text) SELECT text FROM n";
        sqlx::query(write).execute(&db.sqlite).await
    });
    let reads = async {
        for _ in 0..50 {
            assert_eq!(notes.all().await.unwrap(), ["one"]);
            let read = "WITH n AS (SELECT text FROM note) SELECT count(*) FROM n";
            let count = sqlx::query_scalar::<_, i64>(read).fetch_one(&db.sqlite).await;
            assert_eq!(count.unwrap(), 1);
        }
    };
    tokio::select! {
        biased;
        _ = &mut write => panic!("there are two writers"),
        () = reads => {}
    }
    writer.rollback().await.unwrap();
    write.await.unwrap();
    assert_eq!(notes.all().await.unwrap(), ["one", "two", "three"]);
}

#[tokio::test]
async fn a_connection_is_set_up_as_documented() {
    let db = database().await;
    for pool in [db.sqlite.pool(), db.sqlite.readers().unwrap()] {
        let journal: String =
            sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await.unwrap();
        let foreign_keys: i64 =
            sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(pool).await.unwrap();
        let synchronous: i64 =
            sqlx::query_scalar("PRAGMA synchronous").fetch_one(pool).await.unwrap();
        assert_eq!((journal.as_str(), foreign_keys, synchronous), ("wal", 1, 1));
    }
    assert_eq!(db.sqlite.pool().options().get_max_connections(), 1);
}

#[tokio::test]
async fn statements_that_begin_or_end_a_transaction_are_refused() {
    let db = database().await;
    for sql in ["BEGIN", "commit", "/* x */ ROLLBACK;", "SAVEPOINT a", "RELEASE a", "END"] {
        let refused = sqlx::query(sql).execute(&db.sqlite).await.unwrap_err();
        assert!(refused.to_string().contains("is refused; use `with_tx`"), "{sql}: {refused}");
    }
    let refused = db.sqlite.with_tx(async |tx| sqlx::query("COMMIT").execute(&mut *tx).await).await;
    assert_eq!(refused.unwrap_err().to_string(), Refused::Control("COMMIT").to_string());
}

#[tokio::test]
async fn a_script_that_fails_half_way_leaves_no_transaction_behind() {
    let db = database().await;
    let notes = db.notes();
    let script =
        "BEGIN; INSERT INTO note (text) VALUES ('lost'); INSERT INTO nowhere VALUES (1); COMMIT;";
    sqlx::raw_sql(script).execute(&db.sqlite).await.unwrap_err();
    notes.add("kept").await.unwrap();
    let script = "BEGIN; INSERT INTO note (text) VALUES ('also kept'); COMMIT;";
    sqlx::raw_sql(script).execute(&db.sqlite).await.unwrap();
    assert_eq!(notes.all().await.unwrap(), ["kept", "also kept"]);

    // Inside of a transaction a script that ends it is found out before the next query.
    let outcome = db
        .sqlite
        .with_tx(async |_tx| {
            sqlx::raw_sql("DELETE FROM note; ROLLBACK;").execute(&db.sqlite).await?;
            notes.add("would be on its own").await
        })
        .await;
    assert_eq!(outcome.unwrap_err().to_string(), Refused::Lost.to_string());
    assert_eq!(notes.all().await.unwrap(), ["kept", "also kept"]);
}

#[tokio::test]
async fn health_reports_the_pools_and_a_closed_database() {
    let db = database().await;
    let health = SqliteHealth::new(db.sqlite.clone());
    let writer = db.sqlite.begin().await.unwrap();
    let stats = health.check().await.unwrap();
    assert_eq!(stats.get("writer_idle"), Some(&false.into()));
    assert_eq!(stats.get("readers_max"), Some(&4.into()));
    drop(writer);
    db.sqlite.close().await;
    let error = health.check().await.unwrap_err();
    assert!(format!("{error:#}").contains("closed pool"), "{error:#}");
}

/// The macros are checked against the description in `.sqlx`; `DATABASE_URL` with the table `note`
/// and `SQLX_OFFLINE_DIR` write it anew.
#[tokio::test]
async fn checked_queries_run_through_the_handle_and_the_transaction() {
    let db = database().await;
    db.sqlite
        .with_tx(async |tx| {
            sqlx::query!("INSERT INTO note (text) VALUES (?)", "one").execute(&mut *tx).await?;
            let id = sqlx::query_scalar!("SELECT id FROM note WHERE text = ?", "one");
            assert_eq!(id.fetch_one(&db.sqlite).await?, 1);
            Ok::<_, sqlx::Error>(())
        })
        .await
        .unwrap();
    let rows = sqlx::query!("SELECT id, text FROM note").fetch_all(&db.sqlite).await.unwrap();
    assert_eq!((rows[0].id, rows[0].text.as_str()), (1, "one"));
}
