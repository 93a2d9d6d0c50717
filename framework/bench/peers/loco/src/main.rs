//! The loco peer of the HTTP measurements, with all that it has of what the others do, without a
//! database. It has request ids, but no metrics, and its log is written by the worker that answers.

use std::{env, net::SocketAddr, path::Path};

use async_trait::async_trait;
use loco_rs::{
    Result,
    app::{AppContext, Hooks},
    bgworker::Queue,
    boot::{BootResult, ServeParams, StartMode, create_app, start},
    config::Config,
    controller::{AppRoutes, Routes},
    environment::Environment,
    logger,
    prelude::{Json, get, post},
    task::Tasks,
};
use serde::{Deserialize, Serialize};

struct App;

#[derive(Serialize, Deserialize)]
struct Order {
    id: i64,
    customer: String,
    items: Vec<String>,
    total: f64,
}

#[async_trait]
impl Hooks for App {
    fn app_name() -> &'static str {
        "loco-peer"
    }

    async fn boot(mode: StartMode, on: &Environment, config: Config) -> Result<BootResult> {
        create_app::<Self>(mode, on, config).await
    }

    fn routes(_: &AppContext) -> AppRoutes {
        AppRoutes::empty()
            .add_route(Routes::new().add("/hello", get(hello)).add("/json", post(json)))
    }

    async fn connect_workers(_: &AppContext, _: &Queue) -> Result<()> {
        Ok(())
    }

    fn register_tasks(_: &mut Tasks) {}
}

#[tokio::main]
async fn main() -> Result<()> {
    let address = env::var("ADDR").map_err(|error| loco_rs::Error::string(&error.to_string()))?;
    let address: SocketAddr =
        address.parse().map_err(|_| loco_rs::Error::string("ADDR is no address"))?;
    let environment = Environment::Production;
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config"));
    let config = environment.load_from_folder(folder)?;
    logger::init::<App>(&config.logger)?;
    let app = create_app::<App>(StartMode::ServerOnly, &environment, config).await?;
    let serve = ServeParams { port: address.port().into(), binding: address.ip().to_string() };
    start::<App>(app, serve, true).await
}

async fn hello() -> &'static str {
    "hello"
}

async fn json(Json(order): Json<Order>) -> Json<Order> {
    Json(order)
}
