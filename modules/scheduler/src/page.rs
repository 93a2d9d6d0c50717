use futures_util::future::try_join_all;
use purlin::{
    async_trait,
    error::Result,
    page::{ActError, Page},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::scheduler::{Scheduler, TriggerError};

/// The page `jobs`: what there is, when it runs next, how it went; and the action `run`, which takes
/// `{"job": name}`.
#[derive(Debug)]
pub(crate) struct JobsPage(pub(crate) Scheduler);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    job: String,
}

/// How many of the last runs are shown.
const SHOWN: usize = 10;

#[async_trait]
impl Page for JobsPage {
    async fn read(&self) -> Result<Value> {
        let jobs = self.0.jobs();
        let jobs = jobs.iter().map(|status| async move {
            let engine = &self.0.0;
            let runs = engine.ask("runs", engine.store.runs(&status.name, SHOWN)).await;
            let runs = runs.unwrap_or_default();
            let mut job = serde_json::to_value(status)?;
            job["last"] = json!(runs.first());
            job["runs"] = json!(runs);
            Ok(job)
        });
        try_join_all(jobs).await.map(Value::from)
    }

    async fn act(&self, action: &str, input: Value) -> Result<Value, ActError> {
        if action != "run" {
            return Err(ActError::Unknown(action.to_owned()));
        }
        let Run { job } = serde_json::from_value(input)
            .map_err(|error| ActError::Invalid(format!("write {{\"job\": \"name\"}}: {error}")))?;
        match self.0.trigger(&job).await {
            Ok(triggered) => Ok(json!({ "job": job, "triggered": triggered })),
            Err(
                error @ (TriggerError::Unknown { .. }
                | TriggerError::Overlaps { .. }
                | TriggerError::Resting { .. }),
            ) => Err(ActError::Invalid(error.to_string())),
        }
    }
}
