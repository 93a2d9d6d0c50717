//! One route on axum, with a log.

use axum::{Router, routing::get};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt().json().init();
    let address = std::env::var("ADDR").expect("ADDR is set");
    let listener = TcpListener::bind(address).await?;
    tracing::info!("listening");
    axum::serve(listener, Router::new().route("/hello", get(hello))).await
}

async fn hello() -> &'static str {
    "hello"
}
