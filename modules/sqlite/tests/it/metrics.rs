//! What is measured.

use std::{cell::Cell, future::pending, panic::AssertUnwindSafe, pin::pin, time::Duration};

use futures_util::{FutureExt as _, TryStreamExt as _};
use purlin::{
    app::App, clock::Clock, entropy::Entropy, health::HealthCheck as _, meter::Exposition,
};
use purlin_sql::{
    Settings, SqliteTx,
    metrics::{self, Metrics},
};
use purlin_sqlite::{Sqlite, SqliteConfig, SqliteHealth, SqliteModule};
use purlin_telemetry::{TelemetryModule, meter, meter::undeclared};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Database, Failure, database_with};

/// A database whose metrics a test reads.
struct Measured {
    db: Database,
    shown: meter::Metrics,
}

async fn measured() -> Measured {
    measured_with(Clock::system(), |_| {}).await
}

async fn measured_with(clock: Clock, change: impl FnOnce(&mut SqliteConfig)) -> Measured {
    let shown = meter::Metrics::new().unwrap();
    let metrics = Metrics::new("notes", &shown.meter());
    let settings = Settings { metrics, ..Settings::new(clock, Entropy::seeded(1)) };
    Measured { db: database_with(settings, change).await, shown }
}

impl Measured {
    /// The figures of one metric that are not zero, each with its labels but for the database.
    fn figures(&self, name: &str) -> Vec<String> {
        let text = self.shown.text().unwrap();
        assert_eq!(undeclared(&text, metrics::ALL), Vec::<String>::new());
        let figures = text.lines().filter_map(|line| {
            let labels = line.strip_prefix(name)?.strip_prefix("{database=\"notes\"")?;
            let labels = labels.trim_start_matches([',', '}']).replace('}', "");
            (!labels.ends_with(" 0")).then(|| labels.trim().to_owned())
        });
        figures.collect()
    }
}

#[tokio::test]
async fn queries_are_counted_by_what_they_do_and_never_by_what_they_say() {
    let it = measured().await;
    let notes = it.db.notes();
    notes.add("ada").await.unwrap();
    notes.add("bob").await.unwrap();
    notes.all().await.unwrap();
    let with = "WITH n AS (SELECT id FROM note) DELETE FROM note WHERE text = 'bob'";
    sqlx::query(with).execute(&it.db.sqlite).await.unwrap();
    it.db
        .sqlite
        .with_tx(async |tx| sqlx::query("UPDATE note SET text = 'eve'").execute(&mut *tx).await)
        .await
        .unwrap();

    // The table of the fixture is `other`.
    let by_operation = [
        "operation=\"delete\" 1",
        "operation=\"insert\" 2",
        "operation=\"other\" 1",
        "operation=\"select\" 1",
        "operation=\"update\" 1",
    ];
    assert_eq!(it.figures("database_queries_total"), by_operation);
    let timed = by_operation.map(|line| line.replace("\" ", "\",outcome=\"ok\" "));
    assert_eq!(it.figures("database_query_duration_seconds_count"), timed);
    assert!(it.figures("database_queries_failed_total").is_empty());
    // The transaction waited once.
    let waits = ["pool=\"readers\" 1", "pool=\"writer\" 5"];
    assert_eq!(it.figures("database_connection_wait_seconds_count"), waits);
    let opened = ["pool=\"readers\" 1", "pool=\"writer\" 1"];
    assert_eq!(it.figures("database_connections_total"), opened);
    assert!(!it.shown.text().unwrap().contains("eve"));

    let snapshot = it.db.sqlite.metrics().snapshot();
    assert_eq!(snapshot.database_queries_total, 6);
    assert_eq!(snapshot.database_connections_total, 2);
    assert!(snapshot.database_query_duration_ns > 0);
}

#[tokio::test]
async fn connections_that_are_taken_are_active() {
    let it = measured().await;
    let writer = it.db.sqlite.begin().await.unwrap();
    assert_eq!(it.figures("database_connections_active"), ["pool=\"writer\" 1"]);
    assert_eq!(it.db.sqlite.metrics().snapshot().database_connections_active, 1);
    writer.rollback().await.unwrap();
    // It goes back to the pool by a task of its own.
    while !it.figures("database_connections_active").is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(it.figures("database_connections_idle"), ["pool=\"writer\" 1"]);
}

#[tokio::test]
async fn failures_are_counted_by_their_kind() {
    let it = measured_with(Clock::system(), |config| {
        (config.busy_timeout, config.acquire_timeout) = (Duration::ZERO, Duration::from_secs(1));
    })
    .await;
    let (sqlite, notes) = (&it.db.sqlite, it.db.notes());
    notes.add("one").await.unwrap();
    notes.add("one").await.unwrap_err();
    sqlx::query("SELECT nothing FROM nowhere").fetch_one(sqlite).await.unwrap_err();
    sqlx::query("INSERT INTO nowhere VALUES (1)").fetch(sqlite).try_next().await.unwrap_err();
    sqlx::query("COMMIT").execute(sqlite).await.unwrap_err();
    let writer = sqlite.begin().await.unwrap();
    notes.add("no writer").await.unwrap_err();
    writer.rollback().await.unwrap();
    // What another process does.
    let other = it.db.config.open(Settings::default()).await.unwrap();
    let lock = other.begin().await.unwrap();
    notes.add("busy").await.unwrap_err();
    sqlite.with_tx(async |_tx| Ok::<_, sqlx::Error>(())).await.unwrap_err();
    lock.rollback().await.unwrap();
    sqlite.close().await;
    notes.add("closed").await.unwrap_err();

    let failed = [
        "reason=\"busy\" 1",
        "reason=\"constraint\" 1",
        "reason=\"database\" 2",
        "reason=\"pool_closed\" 1",
        "reason=\"pool_timed_out\" 1",
        "reason=\"refused\" 1",
    ];
    assert_eq!(it.figures("database_queries_failed_total"), failed);
    let timed = it.figures("database_query_duration_seconds_count");
    assert!(timed.contains(&"operation=\"insert\",outcome=\"failed\" 5".to_owned()), "{timed:?}");
    let unavailable =
        ["pool=\"writer\",reason=\"closed\" 1", "pool=\"writer\",reason=\"timed_out\" 1"];
    assert_eq!(it.figures("database_connections_failed_total"), unavailable);
    let transactions = ["outcome=\"not_begun\" 1", "outcome=\"rolled_back\" 1"];
    assert_eq!(it.figures("database_transactions_total"), transactions);
    assert_eq!(sqlite.metrics().snapshot().database_queries_failed, 7);
    assert_eq!(sqlite.metrics().snapshot().database_connections_failed, 2);
}

#[tokio::test]
async fn a_query_that_nobody_waits_for_is_cancelled_and_a_stream_that_was_read_is_not() {
    let it = measured().await;
    let (sqlite, notes) = (&it.db.sqlite, it.db.notes());
    notes.add("one").await.unwrap();
    notes.add("two").await.unwrap();
    let writer = sqlite.begin().await.unwrap();
    assert!(notes.add("three").now_or_never().is_none());
    writer.rollback().await.unwrap();
    assert_eq!(it.figures("database_queries_failed_total"), ["reason=\"cancelled\" 1"]);
    let waits = it.figures("database_connection_wait_seconds_count");
    assert_eq!(waits, ["pool=\"writer\" 5"], "the one that was given up counts");

    let mut rows = sqlx::query("SELECT * FROM note").fetch(sqlite);
    rows.try_next().await.unwrap().unwrap();
    drop(rows);
    drop(sqlx::query("SELECT * FROM note").fetch(sqlite));
    assert_eq!(it.figures("database_queries_failed_total"), ["reason=\"cancelled\" 1"]);
    let queries = it.figures("database_queries_total");
    assert!(queries.contains(&"operation=\"select\" 1".to_owned()), "{queries:?}");
}

#[tokio::test]
async fn transactions_are_counted_by_what_became_of_them() {
    let it = measured().await;
    let (sqlite, notes) = (&it.db.sqlite, it.db.notes());
    let outcome = sqlite
        .with_tx(async |_tx| {
            notes.add("kept").await?;
            let inner = sqlite.with_tx(async |_tx| Err::<(), _>(Failure::OnPurpose)).await;
            assert!(inner.is_err());
            Ok::<_, Failure>(())
        })
        .await;
    outcome.unwrap();
    sqlite.with_tx_options(SqliteTx::ReadOnly, async |_tx| notes.all().await).await.unwrap();
    assert_eq!(it.figures("database_transactions_total"), ["outcome=\"committed\" 2"]);

    sqlite.with_tx(async |_tx| Err::<(), _>(Failure::OnPurpose)).await.unwrap_err();
    let panics = sqlite.with_tx(async |_tx| {
        notes.add("lost").await?;
        std::panic::panic_any("on purpose");
        #[expect(unreachable_code, reason = "it says what the closure returns")]
        Ok::<_, sqlx::Error>(())
    });
    AssertUnwindSafe(panics).catch_unwind().await.unwrap_err();
    let begun = Cell::new(false);
    let mut stays = Box::pin(sqlite.with_tx(async |_tx| {
        begun.set(true);
        pending::<sqlx::Result<()>>().await
    }));
    while !begun.get() {
        assert!(stays.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(stays);
    drop(sqlite.begin().await.unwrap());
    let after = ["outcome=\"committed\" 2", "outcome=\"rolled_back\" 4"];
    assert_eq!(it.figures("database_transactions_total"), after);
    assert_eq!(notes.all().await.unwrap(), ["kept"]);
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_is_unknown() {
    let it = measured().await;
    let (mut committed, mut unknown) = (0, 0);
    while unknown == 0 {
        let tx = it.db.sqlite.begin().await.unwrap();
        match tx.commit().now_or_never() {
            Some(outcome) => committed += usize::from(outcome.is_ok()),
            None => unknown += 1,
        }
    }
    let transactions = it.figures("database_transactions_total");
    assert_eq!(transactions.last().unwrap(), "outcome=\"unknown\" 1");
    assert_eq!(transactions.len(), 1 + usize::from(committed > 0));
}

#[tokio::test]
async fn further_attempts_are_counted() {
    let (clock, hand) = Clock::held();
    let it = measured_with(clock, |config| config.busy_timeout = Duration::ZERO).await;
    let other = it.db.config.open(Settings::default()).await.unwrap();
    let lock = other.begin().await.unwrap();
    let work = it.db.sqlite.with_tx_retrying(|| async { Ok::<_, sqlx::Error>(()) });
    let mut work = pin!(work);
    let outcome = loop {
        match work.as_mut().now_or_never() {
            Some(outcome) => break outcome,
            None => hand.advance(Duration::from_millis(10)),
        }
        tokio::task::yield_now().await;
    };
    outcome.unwrap_err();
    lock.rollback().await.unwrap();
    assert_eq!(it.figures("database_transactions_retried_total"), ["4"]);
    assert_eq!(it.figures("database_transactions_total"), ["outcome=\"not_begun\" 5"]);
}

#[tokio::test]
async fn checks_of_the_health_are_counted_and_told_when() {
    let it = measured_with(Clock::held().0, |_| {}).await;
    let health = SqliteHealth::new(it.db.sqlite.clone());
    assert!(it.figures("database_last_health_check").is_empty());
    health.check().await.unwrap();
    assert_eq!(it.figures("database_health_checks_total"), ["1"]);
    assert!(it.figures("database_health_checks_failed_total").is_empty());
    // Its wall clock stands at 2030-01-01.
    assert_eq!(it.figures("database_last_health_check"), ["1893456000"]);

    let cut = it.db.sqlite.checked(pending::<Result<(), ()>>());
    assert!(cut.now_or_never().is_none());
    it.db.sqlite.close().await;
    health.check().await.unwrap_err();
    assert_eq!(it.figures("database_health_checks_total"), ["3"]);
    assert_eq!(it.figures("database_health_checks_failed_total"), ["2"]);
}

#[tokio::test]
async fn a_snapshot_has_the_names_and_the_figures_of_the_metrics_in_json() {
    let it = measured().await;
    it.db.notes().add("one").await.unwrap();
    it.db.notes().add("one").await.unwrap_err();
    SqliteHealth::new(it.db.sqlite.clone()).check().await.unwrap();
    let _writer = it.db.sqlite.begin().await.unwrap();
    // The reader goes back to its pool by a task of its own.
    while it.db.sqlite.metrics().snapshot().database_connections_active != 1 {
        tokio::task::yield_now().await;
    }
    let snapshot = serde_json::to_value(it.db.sqlite.metrics().snapshot()).unwrap();
    let shown: Value = serde_json::from_str(&it.shown.json().unwrap()).unwrap();
    let names = [
        "database_connections_total",
        "database_connections_failed",
        "database_connections_active",
        "database_queries_total",
        "database_queries_failed",
        "database_query_duration_ns",
        "database_health_checks_total",
        "database_health_checks_failed",
        "database_last_health_check",
    ];
    assert_eq!(snapshot.as_object().unwrap().keys().collect::<Vec<_>>(), names);
    for name in names {
        let (counted, shown) = (snapshot[name].as_u64().unwrap(), shown[name].as_u64());
        // Seconds are added up as such.
        let differ = counted.abs_diff(shown.unwrap_or_else(|| panic!("no {name}")));
        let may = if name.ends_with("_ns") { 1_000 } else { 0 };
        assert!(differ <= may, "{name} differs by {differ}");
    }
    assert_eq!(snapshot["database_queries_failed"], 1);
}

#[tokio::test]
async fn an_application_shows_them_under_the_section_of_the_database() {
    let dir = TempDir::new().unwrap();
    let app = App::builder()
        .shell(TelemetryModule::new())
        .module(SqliteModule)
        .set("lifecycle.drain_delay", "0s")
        .set("sqlite.dir", dir.path().to_str().unwrap());
    let running = app.start().await.unwrap();
    let sqlite: Sqlite = running.get();
    sqlx::query("SELECT 1").execute(&sqlite).await.unwrap();
    let text = running.get::<std::sync::Arc<dyn Exposition>>().text().unwrap();
    for line in [
        "database_queries_total{database=\"sqlite\",operation=\"select\"} 1\n",
        "database_queries_total{database=\"sqlite\",operation=\"insert\"} 0\n",
        "database_connections_total{database=\"sqlite\",pool=\"writer\"} 1\n",
    ] {
        assert!(text.contains(line), "no {line:?} in\n{text}");
    }
    let declared = metrics::ALL.iter().chain(purlin_telemetry::metrics::ALL);
    assert_eq!(undeclared(&text, declared), Vec::<String>::new());
    running.stop().await;
}
