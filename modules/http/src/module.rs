//! The module that serves routes.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use purlin::{
    error::Result, info::AppInfo, init::Init, module::Module, needs::Needs, plan::Plan,
    runnable::Tier,
};
use purlin_limit::RateLimiter;
use purlin_serve::Listener;
use serde_json::Value;

#[cfg(feature = "tls")]
use crate::tls;
use crate::{
    Options,
    auth::Authenticator,
    config::HttpConfig,
    routes::{Posture, RouteRow, Routes},
    server::{HttpServer, Site},
    service,
    stream::Drain,
};

/// Serves [`Routes`] over HTTP, on `http.listen`.
///
/// ```
/// # extern crate purlin_core as purlin;
/// # use std::sync::Arc;
/// # use axum::extract::State;
/// # use purlin::needs::Interface;
/// # trait OrderService: Interface {}
/// use purlin_http::{HttpModule, routes::{Routes, get}};
///
/// fn routes() -> Routes<Arc<dyn OrderService>> {
///     Routes::new().public("/orders", get(list))
/// }
///
/// async fn list(State(orders): State<Arc<dyn OrderService>>) {}
///
/// let module = HttpModule::new(routes);
/// ```
///
/// # Lifecycle
/// 1. The function is called while the graph is checked: its table is printed by `routes`, and its
///    [problems](Routes::problems) are reported with all others. A secured route makes the graph
///    ask for an `Arc<dyn Authenticator>`.
/// 2. At start the socket is bound, once the state has been given; requests wait in its queue until
///    everything else runs.
/// 3. At stop, after the drain delay, the server takes no more connections, answers what is in
///    flight with `Connection: close`, and closes idle connections. What is left after `http.drain`
///    is cut. Since no connection outlives that, no request meets a service whose clients are gone,
///    and none has to be refused with 503.
pub struct HttpModule<S> {
    routes: Arc<dyn Fn() -> Routes<S> + Send + Sync>,
}

/// What the last moments of a drain take: the engine's own deadline comes after the server's.
const MARGIN: Duration = Duration::from_secs(1);

// === impl HttpModule ===

impl<S> HttpModule<S> {
    /// Serves what `routes` returns. It is called for each check of the graph and for each start.
    pub fn new(routes: impl Fn() -> Routes<S> + Send + Sync + 'static) -> Self {
        Self { routes: Arc::new(routes) }
    }
}

impl<S: Needs + Clone + Sync> Module for HttpModule<S> {
    const NAME: &'static str = "http";
    type Config = HttpConfig;
    type Needs = (S, Option<Arc<dyn Authenticator>>, Option<Arc<dyn RateLimiter>>, Arc<AppInfo>);
    type Gives = ();

    fn plan(&self, plan: &mut Plan) {
        plan.stop_takes("drain");
        let routes = (self.routes)();
        for problem in routes.problems() {
            plan.problem(problem.what, problem.fix);
        }
        let table = routes.table();
        if table.is_empty() {
            plan.warning("there are no routes: every request is answered with 404");
        }
        if let Some(row) = table.iter().find(|row| row.posture == Posture::Secured) {
            plan.require::<dyn Authenticator>(format!("{} is secured", row.name()));
        }
        plan.fact("openapi", routes.openapi("", ""));
        plan.fact("routes", table.into_iter().map(Value::from).collect::<Vec<_>>());
    }

    async fn init(&self, config: HttpConfig, needs: Self::Needs, cx: &mut Init) -> Result<()> {
        let (state, authenticator, limiter, info) = needs;
        let drain = Drain::new();
        let options = Options {
            clock: cx.clock().clone(),
            entropy: cx.entropy().clone(),
            meter: cx.meter(),
            authenticator,
            layers: config.layers.clone(),
            request_timeout: config.request_timeout,
            body_limit: config.body_limit,
            compression: config.compression.clone(),
            cors: config.cors.clone(),
            csrf: config.csrf.clone(),
            rate_limit: config.rate_limit.clone(),
            limiter,
            trusted_proxies: config.trusted_proxies.clone(),
            drain: drain.clone(),
            openapi: config.openapi.is_served_in(&info.profile).then(|| info.package.clone()),
        };
        let routes = (self.routes)();
        let table = routes.table();
        let service = service(routes, state, &options)?;

        let listening = config.listening();
        let listener = Listener::of_setting(cx, "listen", config.listen, &listening)?;
        let address = listener.local_addr();
        let scheme = "http";
        #[cfg(feature = "tls")]
        let tls = tls::offer(&config, cx)?;
        #[cfg(feature = "tls")]
        let scheme = if tls.is_some() { "https" } else { scheme };
        let site = Arc::new(Site {
            listener: Mutex::new(Some(listener)),
            address,
            listening,
            service,
            limits: config.limits(),
            #[cfg(feature = "tls")]
            tls,
            drain: config.drain,
            streams: drain,
            tally: Arc::default(),
        });
        site.tally.observe(&options.meter, cx.section(), &site.limits);
        cx.listening(address);
        cx.detail(format!("{scheme}://{address} · {}", summary(&table)));
        cx.run(cx.section().to_owned(), move || HttpServer::new(site.clone()))
            .tier(Tier::INGRESS)
            .grace(config.drain + MARGIN);
        Ok(())
    }
}

/// `4 routes: 3 public, 1 secured`.
fn summary(table: &[RouteRow]) -> String {
    let (all, public) =
        (table.len(), table.iter().filter(|row| row.posture == Posture::Public).count());
    let plural = if all == 1 { "" } else { "s" };
    match all - public {
        0 => format!("{all} route{plural}, all public"),
        secured => format!("{all} route{plural}: {public} public, {secured} secured"),
    }
}

impl<S> fmt::Debug for HttpModule<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpModule")
    }
}
