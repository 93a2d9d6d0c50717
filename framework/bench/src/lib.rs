//! The work that every contestant of the HTTP measurements does: two routes, the same for all.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use axum::Json;
use serde::{Deserialize, Serialize};

/// What `POST /json` takes and answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    id: i64,
    customer: String,
    items: Vec<String>,
    total: f64,
}

/// `GET /hello`.
pub async fn hello() -> &'static str {
    "hello"
}

/// `POST /json`: decodes an order and encodes it again.
pub async fn json(Json(order): Json<Order>) -> Json<Order> {
    Json(order)
}

/// Where to listen, as the harness says it in `ADDR`.
///
/// # Errors
/// When it does not say it.
#[expect(clippy::disallowed_methods, reason = "a service without a framework reads variables")]
pub fn address() -> Result<SocketAddr> {
    let address = std::env::var("ADDR").context("ADDR is not set; write 127.0.0.1:8080")?;
    address.parse().with_context(|| format!("ADDR is `{address}`; write 127.0.0.1:8080"))
}
