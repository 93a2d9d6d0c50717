//! The summer-rs peer of the HTTP measurements, with all that its web plugin has of what the others
//! do. It has no metrics and no request id.

use std::{env, net::SocketAddr};

use serde::{Deserialize, Serialize};
use summer::App;
use summer_web::{
    Router, WebConfigurator, WebPlugin,
    axum::{
        Json,
        routing::{get, post},
    },
};

#[derive(Serialize, Deserialize)]
struct Order {
    id: i64,
    customer: String,
    items: Vec<String>,
    total: f64,
}

#[tokio::main]
async fn main() {
    let address = env::var("ADDR").expect("ADDR is set");
    let address: SocketAddr = address.parse().expect("ADDR is an address");
    let web = format!("[web]\nbinding = \"{}\"\nport = {}\n", address.ip(), address.port());
    let config = web + include_str!("../config/app.toml");
    let router = Router::new().route("/hello", get(hello)).route("/json", post(json));
    App::new().use_config_str(&config).add_plugin(WebPlugin).add_router(router).run().await
}

async fn hello() -> &'static str {
    "hello"
}

async fn json(Json(order): Json<Order>) -> Json<Order> {
    Json(order)
}
