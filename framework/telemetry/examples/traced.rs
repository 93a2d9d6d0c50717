//! A service whose traces a test looks at: a route, a database, a task, a job, and a call to a
//! neighbour.

use std::{process::ExitCode, sync::Arc, time::Duration};

extern crate purlin_core as purlin;

use axum::{Json, extract::State};
use http::{HeaderMap, StatusCode};
use purlin::{app::App, error::Result, spawner::Spawner};
use purlin_admin::AdminModule;
use purlin_http::{HttpModule, Problem, Routes, get, post, propagation};
use purlin_scheduler::{Job, Jobs as _, SchedulerModule};
use purlin_sqlite::{Sqlite, SqliteModule};
use purlin_telemetry::{TelemetryModule, otlp::OtlpModule};
use serde_json::{Value, json};

type Needs = (Sqlite, Spawner);

fn routes() -> Routes<Needs> {
    Routes::new()
        .public("/orders/{id}", post(take))
        .public("/fails", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .public("/refused", get(async || Problem::new(StatusCode::CONFLICT).detail("not now")))
}

/// Takes an order, in a transaction; tells what a neighbour would be told.
async fn take(State((sql, spawner)): State<Needs>) -> Result<Json<Value>, Problem> {
    let failed = |error: sqlx::Error| Problem::internal().detail(error.to_string());
    tracing::info!(customer = "ada", "an order comes in");
    let inserted = sql.with_tx(async |_tx| {
        sqlx::query("INSERT INTO orders (customer) VALUES (?)").bind("ada").execute(&sql).await?;
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM orders").fetch_one(&sql).await
    });
    let count = inserted.await.map_err(failed)?;
    let in_task = sql.clone();
    let receipt = spawner.spawn("receipt", async move {
        tracing::info!("a receipt is written");
        sqlx::query("UPDATE orders SET customer = 'ada' WHERE id = 1").execute(&in_task).await
    });
    receipt.await.map_err(|_| Problem::internal())?.map_err(failed)?;
    let mut headers = HeaderMap::new();
    propagation::inject(&mut headers);
    let text =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(Json(json!({
        "count": count,
        "traceparent": text("traceparent"),
        "tracestate": text("tracestate"),
        "baggage": text("baggage"),
    })))
}

/// A job that fails every time, after it has looked at the database.
async fn sweep(sql: Sqlite) -> Result<()> {
    sqlx::query("SELECT no_such_column FROM orders").execute(&sql).await?;
    Ok(())
}

fn main() -> ExitCode {
    App::builder()
        .package(purlin::package!())
        .shell(OtlpModule)
        .shell(TelemetryModule::new())
        .shell(AdminModule)
        .module(SqliteModule)
        .provide(|sql: Sqlite| async move {
            sqlx::query("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT)")
                .execute(&sql)
                .await?;
            Ok(Arc::new(Ready))
        })
        .module(SchedulerModule)
        .job(Job::every("sweep", Duration::from_millis(300), |_: Arc<Ready>, sql: Sqlite| {
            sweep(sql)
        }))
        .module(HttpModule::new(routes))
        .run()
}

/// There is a table.
struct Ready;
