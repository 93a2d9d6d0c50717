//! The service without the framework.

use std::{sync::Arc, time::Duration};

use axum::Router;
use purlin::{clock::Clock, config::ByteSize, entropy::Entropy, info::Package, meter::Meter};
use purlin_limit::RateLimiter;

use crate::{
    auth::Authenticator,
    config::{CompressionConfig, CorsConfig, CsrfConfig, LayersConfig, Network, RateLimitConfig},
    routes::{InvalidRoutes, Routes},
    stream::Drain,
};

/// What is put around routes to make a service of them; see [`service`].
#[derive(Clone)]
pub struct Options {
    /// The time, for durations and timeouts.
    pub clock: Clock,
    /// The chance that correlation ids are made of.
    pub entropy: Entropy,
    /// Where measurements go.
    pub meter: Meter,
    /// Who may call secured routes. Without one, nobody.
    pub authenticator: Option<Arc<dyn Authenticator>>,
    /// Which layers are put around each route.
    pub layers: LayersConfig,
    /// How long a request may take until its answer begins. Zero is no limit.
    pub request_timeout: Duration,
    /// The largest body of a request.
    pub body_limit: ByteSize,
    /// What is compressed.
    pub compression: CompressionConfig,
    /// Which web pages of other origins may call the service.
    pub cors: CorsConfig,
    /// How requests are refused that come from pages of other sites.
    pub csrf: CsrfConfig,
    /// How many requests a caller may send.
    pub rate_limit: RateLimitConfig,
    /// Who counts them. Without one, this process does by itself.
    pub limiter: Option<Arc<dyn RateLimiter>>,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// What tells streams to end.
    pub drain: Drain,
    /// Serves the [OpenAPI document](crate::openapi) and the page that shows it, under this name.
    pub openapi: Option<Package>,
}

/// Makes a service of routes and their state, layers included.
///
/// It is an axum router, so that it can be called in a test and served by anything.
/// [`HttpModule`](crate::HttpModule) does this and serves it.
/// ```
/// use axum::{body::Body, extract::State};
/// use http::Request;
/// use purlin_http::{Options, routes::{Routes, get}, service};
/// use tower::ServiceExt;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let routes = Routes::new().public("/", get(async |State(name): State<&'static str>| name));
/// let service = service(routes, "ada", &Options::default()).unwrap();
/// let answer = service.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
/// assert_eq!(answer.status(), 200);
/// assert!(answer.headers().contains_key("x-correlation-id"));
/// # });
/// ```
///
/// # Errors
/// [`InvalidRoutes`] with all the [problems](Routes::problems) of the table, and of
/// [`Options::cors`].
pub fn service<S>(routes: Routes<S>, state: S, options: &Options) -> Result<Router, InvalidRoutes>
where
    S: Clone + Send + Sync + 'static,
{
    routes.into_router(state, options)
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            entropy: Entropy::system(),
            meter: Meter::noop(),
            authenticator: None,
            layers: LayersConfig::default(),
            request_timeout: Duration::from_secs(30),
            body_limit: ByteSize::mib(2),
            compression: CompressionConfig::default(),
            cors: CorsConfig::default(),
            csrf: CsrfConfig::default(),
            rate_limit: RateLimitConfig::default(),
            limiter: None,
            trusted_proxies: Vec::new(),
            drain: Drain::new(),
            openapi: None,
        }
    }
}
