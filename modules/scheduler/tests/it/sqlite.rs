//! Marks and history in SQLite.

use std::{sync::Arc, time::Duration};

use purlin::clock::Clock;
use purlin_scheduler::{
    Job, JobStore, Jobs as _, Missed, Outcome, SqliteJobs, SqliteJobsModule, Trigger,
};
use purlin_sqlite::{Sqlite, SqliteConfig, SqliteModule};
use purlin_testing::conformance;

use crate::support::{Bench, app, nothing};

const HOUR: Duration = Duration::from_secs(3_600);

async fn open(dir: &std::path::Path) -> Sqlite {
    let config = SqliteConfig { dir: dir.to_owned().into(), ..SqliteConfig::default() };
    Sqlite::connect(config).await.unwrap()
}

#[tokio::test]
async fn the_sqlite_store_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let sqlite = open(dir.path()).await;
    conformance::job_store(&SqliteJobs::new(sqlite.clone()).await.unwrap()).await;
    // A second instance finds the tables made.
    let again = SqliteJobs::new(sqlite.clone()).await.unwrap();
    assert_eq!(again.runs("job", 100).await.unwrap().len(), 10);
    let own: i64 = sqlx::query_scalar("SELECT count(*) FROM _purlin_scheduler_migrations")
        .fetch_one(&sqlite)
        .await
        .unwrap();
    assert_eq!(own, 1, "a history of its own");
    sqlite.close().await;
}

#[tokio::test]
async fn marks_and_history_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (clock, hand) = Clock::held();
    let builder = || {
        app()
            .module(SqliteModule)
            .module(SqliteJobsModule)
            .set("sqlite.dir", dir.path().display().to_string())
            .job(Job::cron("hourly", "0 * * * *", nothing).missed(Missed::All(10)))
    };
    let bench = Bench::start_on(builder(), clock.clone(), hand.clone()).await;
    bench.advance(HOUR).await;
    assert_eq!(bench.times("hourly"), ["01 01:00:00"]);
    assert!(bench.stop().await.is_clean());

    hand.advance(HOUR * 3 + HOUR / 2);
    let bench = Bench::start_on(builder(), clock, hand).await;
    bench.idle().await;
    let store = bench.app.get::<Arc<dyn JobStore>>();
    let runs = store.runs("hourly", 10).await.unwrap();
    let triggers: Vec<_> = runs.iter().rev().map(|run| run.trigger).collect();
    assert_eq!(triggers, [Trigger::Schedule, Trigger::Missed, Trigger::Missed, Trigger::Missed]);
    assert!(runs.iter().all(|run| run.outcome == Outcome::Succeeded));
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn a_stop_in_the_middle_of_the_store_hangs_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let (clock, hand) = Clock::held();
    let builder = || {
        app()
            .module(SqliteModule)
            .module(SqliteJobsModule)
            .set("sqlite.dir", dir.path().display().to_string())
            .job(Job::cron("hourly", "0 * * * *", nothing).missed(Missed::All(10)))
    };
    for _ in 0..20 {
        let app = purlin_testing::TestApp::start(builder().clock(clock.clone())).await;
        assert!(app.stop().await.is_clean());
        hand.advance(HOUR * 5);
    }
}
