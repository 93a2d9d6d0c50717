//! A service whose traces a test looks at: a route, a database, a task, a job, and a call to a
//! neighbour, which may be another one of it.

use std::{
    convert::Infallible,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

extern crate purlin_core as purlin;

use axum::{Json, body::Body, extract::State};
use futures_util::stream;
use http::{HeaderMap, StatusCode};
use purlin::{app::App, error::Result, spawner::Spawner};
use purlin_admin::AdminModule;
use purlin_http::{HttpModule, Problem, Routes, get, post};
use purlin_http_client::{HttpClient, HttpClientModule};
use purlin_scheduler::{Job, Jobs as _, SchedulerModule};
use purlin_sqlite::{Sqlite, SqliteModule};
use purlin_telemetry::{TelemetryModule, otlp::OtlpModule};
use serde_json::{Value, json};

type Needs = (Sqlite, Spawner, HttpClient);

fn routes() -> Routes<Needs> {
    let asked = Arc::new(AtomicBool::new(false));
    Routes::new()
        .public("/orders/{id}", post(take))
        .public("/stock/{id}", get(async move |headers: HeaderMap| stock(&asked, &headers)))
        .public("/fails", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .public("/events", get(events))
        .public("/refused", get(async || Problem::new(StatusCode::CONFLICT).detail("not now")))
}

/// Takes an order, in a transaction; returns what a neighbour says of the stock.
async fn take(State((sql, spawner, neighbour)): State<Needs>) -> Result<Json<Value>, Problem> {
    let failed = |error: sqlx::Error| Problem::internal().detail(error.to_string());
    tracing::info!(customer = "ada", "an order comes in");
    let inserted = sql.with_tx(async |_tx| {
        sqlx::query("INSERT INTO orders (customer) VALUES (?)").bind("ada").execute(&sql).await?;
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM orders").fetch_one(&sql).await
    });
    inserted.await.map_err(failed)?;
    let in_task = sql.clone();
    let receipt = spawner.spawn("receipt", async move {
        tracing::info!("a receipt is written");
        sqlx::query("UPDATE orders SET customer = 'ada' WHERE id = 1").execute(&in_task).await
    });
    receipt.await.map_err(|_| Problem::internal())?.map_err(failed)?;
    let stock = neighbour.get("/stock/7").query(&[("token", "secret")]).fetch().await;
    stock.map(Json).map_err(|error| Problem::internal().detail(error.to_string()))
}

/// Is not ready when it is asked for the first time; then tells what its caller has told.
fn stock(asked: &AtomicBool, headers: &HeaderMap) -> Result<Json<Value>, StatusCode> {
    tracing::info!("the stock is asked for");
    if !asked.swap(true, Ordering::Relaxed) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Ok(Json(json!({ "traceparent": text("traceparent"), "baggage": text("baggage") })))
}

/// An event, which is made after the request was answered.
async fn events() -> Body {
    Body::from_stream(stream::once(async {
        tokio::task::yield_now().await;
        tracing::info!("an event goes out");
        Ok::<_, Infallible>("event")
    }))
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
        .module(HttpClientModule)
        .module(SchedulerModule)
        .job(Job::every("sweep", Duration::from_millis(300), |_: Arc<Ready>, sql: Sqlite| {
            sweep(sql)
        }))
        .module(HttpModule::new(routes))
        .run()
}

/// There is a table.
struct Ready;
