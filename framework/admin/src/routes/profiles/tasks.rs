use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::Profiler;
use crate::{problem::Problem, router::Admin, routes::pages};

/// What the runtime is busy with: its workers, the runnables with their states, the tasks of the
/// spawner by name.
pub(crate) async fn tasks(_: Profiler, State(admin): State<Admin>) -> Result<Json<Value>, Problem> {
    let modules = pages::content(&admin, "modules").await?;
    let runnables = modules.as_array().into_iter().flatten();
    let runnables: Vec<_> = runnables.filter(|node| node["kind"] == "runnable").collect();
    let mut named = BTreeMap::<_, u64>::new();
    for name in admin.profiles.spawner.names() {
        *named.entry(name.to_string()).or_default() += 1;
    }
    Ok(Json(json!({ "runtime": runtime(), "runnables": runnables, "tasks": named })))
}

/// What tokio counts of itself without `tokio_unstable`, since the runtime was made.
fn runtime() -> Value {
    let metrics = Handle::current().metrics();
    let workers: Vec<_> = (0..metrics.num_workers())
        .map(|worker| {
            json!({
                "busy_ms": metrics.worker_total_busy_duration(worker).as_secs_f64() * 1000.0,
                "parks": metrics.worker_park_count(worker),
            })
        })
        .collect();
    json!({
        "tasks": metrics.num_alive_tasks(),
        "queued": metrics.global_queue_depth(),
        "workers": workers,
    })
}
