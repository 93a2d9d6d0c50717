use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use purlin::{
    async_trait,
    config::NoConfig,
    error::{Context as _, Result, anyhow},
    init::Init,
    module::Module,
};
use purlin_sqlite::Sqlite;
use sqlx::{Row as _, migrate::Migrator, sqlite::SqliteRow};

use super::JobStore;
use crate::run::{JobRun, Outcome, Trigger};

/// A store in SQLite, in tables of its own (`purlin_job_…`) with a migration history of their own.
#[derive(Debug, Clone)]
pub struct SqliteJobs(Sqlite);

/// Gives [`SqliteJobs`] as the store of the scheduler: marks and history survive a restart.
///
/// ```
/// # use purlin_core::app::App;
/// use purlin_scheduler::{SchedulerModule, SqliteJobsModule};
/// use purlin_sqlite::SqliteModule;
///
/// let app = App::builder().module(SqliteModule).module(SqliteJobsModule).module(SchedulerModule);
/// # app.validate().unwrap();
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SqliteJobsModule;

// === impl SqliteJobs ===

impl SqliteJobs {
    /// Creates or upgrades the tables.
    ///
    /// # Errors
    /// When the database cannot be reached, or the tables were made by a newer version.
    pub async fn new(sqlite: Sqlite) -> Result<Self> {
        let migrator = sqlx::migrate!("./migrations");
        let mut migrator = Migrator { ..migrator };
        migrator.dangerous_set_table_name("_purlin_scheduler_migrations");
        sqlite.migrate(&migrator).await.context("the tables of the scheduler could not be made")?;
        Ok(Self(sqlite))
    }
}

#[async_trait]
impl JobStore for SqliteJobs {
    async fn claim(&self, job: &str, due: SystemTime, since: SystemTime) -> Result<bool> {
        let claimed = sqlx::query(
            "INSERT INTO purlin_job_marks (job, due) VALUES (?1, ?2)
             ON CONFLICT (job) DO UPDATE SET due = ?2 WHERE due < ?3",
        )
        .bind(job)
        .bind(millis(due))
        .bind(millis(since))
        .execute(&self.0)
        .await?;
        Ok(claimed.rows_affected() > 0)
    }

    async fn mark(&self, job: &str) -> Result<Option<SystemTime>> {
        let due = sqlx::query_scalar("SELECT due FROM purlin_job_marks WHERE job = ?")
            .bind(job)
            .fetch_optional(&self.0)
            .await?;
        Ok(due.map(time))
    }

    async fn record(&self, run: &JobRun, keep: usize) -> Result<()> {
        self.0
            .with_tx(async |_tx| {
                sqlx::query(
                    "INSERT INTO purlin_job_runs
                     (id, job, trigger_name, due, started, took_us, attempts, outcome, error, token)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                )
                .bind(run.id.to_string())
                .bind(&run.job)
                .bind(run.trigger.name())
                .bind(millis(run.due))
                .bind(millis(run.started))
                .bind(i64::try_from(run.took.as_micros()).unwrap_or(i64::MAX))
                .bind(i64::from(run.attempts))
                .bind(run.outcome.name())
                .bind(&run.error)
                .bind(run.token.map(|token| i64::try_from(token).unwrap_or(i64::MAX)))
                .execute(&self.0)
                .await?;
                sqlx::query(
                    "DELETE FROM purlin_job_runs WHERE job = ?1 AND id NOT IN (
                         SELECT id FROM purlin_job_runs WHERE job = ?1
                         ORDER BY started DESC, id DESC LIMIT ?2)",
                )
                .bind(&run.job)
                .bind(i64::try_from(keep).unwrap_or(i64::MAX))
                .execute(&self.0)
                .await?;
                Ok::<_, sqlx::Error>(())
            })
            .await?;
        Ok(())
    }

    async fn runs(&self, job: &str, limit: usize) -> Result<Vec<JobRun>> {
        let rows = sqlx::query(
            "SELECT id, job, trigger_name, due, started, took_us, attempts, outcome, error, token
             FROM purlin_job_runs WHERE job = ? ORDER BY started DESC, id DESC LIMIT ?",
        )
        .bind(job)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.0)
        .await?;
        rows.iter().map(run).collect()
    }
}

fn run(row: &SqliteRow) -> Result<JobRun> {
    let (trigger, outcome): (String, String) =
        (row.try_get("trigger_name")?, row.try_get("outcome")?);
    let unknown =
        |what: &str, name: &str| anyhow!("`{name}` is no {what}: a newer version wrote it");
    Ok(JobRun {
        id: row.try_get::<String, _>("id")?.parse()?,
        job: row.try_get("job")?,
        trigger: Trigger::of_name(&trigger).ok_or_else(|| unknown("trigger", &trigger))?,
        due: time(row.try_get("due")?),
        started: time(row.try_get("started")?),
        took: Duration::from_micros(row.try_get::<i64, _>("took_us")?.unsigned_abs()),
        attempts: u32::try_from(row.try_get::<i64, _>("attempts")?)?,
        outcome: Outcome::of_name(&outcome).ok_or_else(|| unknown("outcome", &outcome))?,
        error: row.try_get("error")?,
        token: row.try_get::<Option<i64>, _>("token")?.map(i64::unsigned_abs),
    })
}

fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn time(millis: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis.unsigned_abs())
}

// === impl SqliteJobsModule ===

impl Module for SqliteJobsModule {
    const NAME: &'static str = "scheduler store";
    type Config = NoConfig;
    type Needs = Sqlite;
    type Gives = Arc<dyn JobStore>;

    async fn init(&self, _: NoConfig, sqlite: Sqlite, cx: &mut Init) -> Result<Self::Gives> {
        cx.detail("in SQLite");
        Ok(Arc::new(SqliteJobs::new(sqlite).await?))
    }
}
