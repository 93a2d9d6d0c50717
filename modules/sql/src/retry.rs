//! Transactions that are repeated.

use std::{future::Future, time::Duration};

use crate::{
    engine::Engine,
    handle::{Settings, Sql},
};

// === impl Sql ===

impl<DB: Engine> Sql<DB> {
    /// Runs `work` in a transaction, and repeats it when it was lost to concurrency: on SQLite, when
    /// another process had the database locked.
    ///
    /// ```
    /// # use purlin_sql::Sql;
    /// # async fn example(sql: &Sql<sqlx::Sqlite>) -> sqlx::Result<()> {
    /// sql.with_tx_retrying(|| async {
    ///     sqlx::query("UPDATE totals SET orders = orders + 1").execute(sql).await?;
    ///     Ok(())
    /// })
    /// .await
    /// # }
    /// ```
    ///
    /// There are at most [`attempts`](Settings::attempts), with growing, random pauses in between.
    /// `work` starts from the beginning each time, so that whatever it does outside of the database
    /// must be repeatable. It is ambient only. Inside another transaction it is a savepoint and runs
    /// once: what was lost is the outer one, which must be repeated as a whole.
    ///
    /// # Errors
    /// The error of the last attempt.
    pub async fn with_tx_retrying<T, E, F, Fut>(&self, work: F) -> Result<T, E>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<sqlx::Error>,
    {
        let settings = self.settings();
        let mut attempt = 1;
        loop {
            let ending = match self.open(None).await {
                Ok(ending) => ending,
                Err(error) if !is_transient::<DB>(&error) || attempt >= settings.attempts => {
                    return Err(error.into());
                }
                Err(_) => {
                    settings.retry(attempt).await;
                    attempt += 1;
                    continue;
                }
            };
            let slot = &ending.0;
            let outcome = self.0.key.enter(slot.clone(), work()).await;
            let outcome = slot.finish(outcome).await;
            let again = slot.is_transient() && !slot.is_nested() && attempt < settings.attempts;
            if outcome.is_ok() || !again {
                return outcome;
            }
            drop(ending);
            settings.retry(attempt).await;
            attempt += 1;
        }
    }
}

fn is_transient<DB: Engine>(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(DB::is_transient)
}

// === impl Settings ===

impl Settings {
    /// Waits for the attempt after this one, which it counts.
    async fn retry(&self, attempt: u32) {
        const LONGEST: Duration = Duration::from_secs(1);
        let longest = (self.pause * 2u32.saturating_pow(attempt - 1)).min(LONGEST);
        self.metrics.retried();
        self.clock.sleep(self.entropy.jitter(longest / 2, 1.0)).await;
    }
}
