//! The module.

use std::sync::Arc;

use purlin::{error::Result, init::Init, module::Module};

use crate::{client::HttpClient, config::HttpClientConfig, health::UpstreamHealth};

/// Gives an [`HttpClient`].
///
/// ```
/// # extern crate purlin_core as purlin;
/// # use purlin::{app::App, module::Module as _};
/// # use purlin_http_client::HttpClientModule;
/// purlin::name!(pub Payments);
/// purlin::name!(pub Rates);
///
/// # fn main() {
/// let app = App::builder()
///     .module(HttpClientModule.named::<Payments>())
///     .module(HttpClientModule.named::<Rates>());
/// # }
/// ```
///
/// # Lifecycle
/// It connects with the first request, so that an upstream that is down does not keep the service
/// from starting. With `health` on, the service is unhealthy while the breaker is open. At stop,
/// after whoever calls has stopped, it refuses further requests and waits for those in flight; each
/// of them ends with its deadline at the latest.
#[derive(Debug, Clone, Copy, Default)]
pub struct HttpClientModule;

// === impl HttpClientModule ===

impl Module for HttpClientModule {
    const NAME: &'static str = "http_client";
    type Config = HttpClientConfig;
    type Needs = ();
    type Gives = HttpClient;

    async fn init(&self, config: HttpClientConfig, (): (), cx: &mut Init) -> Result<HttpClient> {
        let client = HttpClient::builder(cx.section())
            .clock(cx.clock().clone())
            .entropy(cx.entropy().clone())
            .meter(cx.meter())
            .build(&config)?;
        let closing = Arc::new(client.clone());
        cx.undo("wait for the requests in flight", &closing, |client| async move {
            client.close().await;
        });
        if config.health {
            cx.health(cx.section().to_owned(), &Arc::new(UpstreamHealth::new(client.clone())));
        }
        cx.detail(client.url().to_string());
        Ok(client)
    }
}
