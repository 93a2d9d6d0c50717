//! Bare axum: `axum::serve`, with `address` telling handlers the address of the client, and with
//! `loop` the loop over hyper by hand.

use std::net::SocketAddr;

use anyhow::{Result, bail};
use axum::{
    Router,
    routing::{get, post},
};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use purlin_bench::{address, hello, json};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<()> {
    let listener = TcpListener::bind(address()?).await?;
    let router = Router::new().route("/hello", get(hello)).route("/json", post(json));
    match std::env::args().nth(1).as_deref() {
        None => axum::serve(listener, router).await?,
        Some("address") => {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).await?;
        }
        Some("loop") => by_hand(&listener, router).await?,
        Some(other) => bail!("`{other}` is neither `address` nor `loop`"),
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "it is what one writes without a framework")]
async fn by_hand(listener: &TcpListener, router: Router) -> Result<()> {
    loop {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            // A connection that fails concerns its client alone.
            let connection = http1::Builder::new().serve_connection(TokioIo::new(tcp), service);
            drop(connection.with_upgrades().await);
        });
    }
}
