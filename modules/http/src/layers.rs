//! The layers around every route. Their order is on the page of the crate, and is that of
//! [`Layers::stack`].
//!
//! A route has its layers to itself, so that its label and its limits are known when it is built
//! and cost nothing per request.
//!
//! A layer that is off, while others are on, is in its place and does nothing. Tower's `option_layer`
//! would make each layer's type name what is inside twice, and so the whole stack's 2¹⁷ times.

mod account;
mod body_limit;
mod client;
mod compression;
mod correlation;
mod cors;
mod csrf;
mod decompression;
mod draining;
mod guard;
mod label;
mod panics;
mod problems;
mod rate_limit;
mod streams;
mod timeout;
mod trace;

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{extract::Request, response::Response, routing::Route};
use purlin::config::ByteSize;
use purlin_limit::{LocalLimiter, RateLimiter};
use tower::{Layer, Service, ServiceBuilder};

pub use self::correlation::CorrelationId;
use self::{
    account::Account,
    body_limit::BodyLimit,
    client::Clients,
    compression::Compress,
    correlation::Correlate,
    cors::Cors,
    csrf::Csrf,
    decompression::Decompress,
    draining::Refuse,
    panics::CatchPanics,
    problems::Problems,
    rate_limit::{Limit, RateLimit},
    streams::Follow,
    timeout::Timeout,
    trace::Trace,
};
pub(crate) use self::{guard::Guard, label::Label};
use crate::{
    Options,
    config::RateLimitKey,
    metrics::Instruments,
    routes::{RouteLimit, RouteProblem},
    stream::Streams,
};

/// The layers of one service, ready to be put around its routes.
pub(crate) struct Layers {
    options: Options,
    instruments: Instruments,
    streams: Streams,
    cors: Cors,
    csrf: Csrf,
    clients: Clients,
    limiter: Arc<dyn RateLimiter>,
    limited: purlin_limit::metrics::Instruments,
}

/// What a route sets for itself.
#[derive(Clone, Copy, Default)]
pub(crate) struct Overrides {
    pub(crate) timeout: Option<Duration>,
    pub(crate) body_limit: Option<ByteSize>,
    /// With the method to which it belongs.
    pub(crate) rate_limit: Option<(&'static str, RouteLimit)>,
}

// === impl Layers ===

impl Layers {
    pub(crate) fn new(options: &Options) -> Result<Self, RouteProblem> {
        let Options { clock, meter, drain, limiter, .. } = options;
        let local = || Arc::new(LocalLimiter::new(clock.clone())) as Arc<dyn RateLimiter>;
        let limiter = limiter.clone().unwrap_or_else(local);
        Ok(Self {
            instruments: Instruments::new(meter),
            streams: Streams::new(drain.clone(), clock.clone(), meter),
            cors: Cors::new(&options.cors)?,
            csrf: Csrf::new(&options.csrf, &options.cors),
            clients: Clients::new(&options.trusted_proxies),
            limited: purlin_limit::metrics::Instruments::new(meter, &limiter),
            limiter,
            options: options.clone(),
        })
    }

    /// The layers of one route.
    pub(crate) fn stack(
        &self,
        label: Label,
        overrides: Overrides,
    ) -> impl Layer<Route, Service = impl Layered + use<>> + Clone + Send + Sync + use<> {
        let Options { clock, entropy, layers: on, compression, .. } = &self.options;
        let timeout = overrides.timeout.unwrap_or(self.options.request_timeout);
        let body_limit = overrides.body_limit.unwrap_or(self.options.body_limit);
        let meter = &self.instruments;
        let rate_limit = match self.options.rate_limit.key {
            RateLimitKey::Principal => RateLimit::new(None),
            _ => self.rate_limit(&label, &overrides),
        };
        ServiceBuilder::new()
            .layer(Correlate::new(on, entropy.clone(), label.clone()))
            .layer(Trace::new(on.trace, label.clone(), self.clients.clone()))
            .layer(Account::new(on, clock.clone(), label.clone(), &self.clients, meter))
            .layer(Compress::new(compression))
            .layer(self.cors.clone())
            .layer(Problems::new(on.problems))
            .layer(CatchPanics::new(on.panics, label.clone(), meter.clone()))
            .layer(Follow::new(self.streams.clone(), label))
            .layer(Refuse::new(on.drain, self.options.drain.clone()))
            .layer(self.csrf.clone())
            .layer(rate_limit)
            .layer(Timeout::new(clock.clone(), timeout))
            .layer(Decompress::new(compression.requests, body_limit))
            .layer(BodyLimit::new(body_limit))
    }

    /// Whether there are any. To axum even layers that do nothing are a service to clone and a
    /// future to box for each request.
    pub(crate) fn are_on(&self) -> bool {
        self.options.layers.enabled
    }

    /// What lies inside of the guard.
    pub(crate) fn inner(&self, label: &Label, overrides: &Overrides) -> Option<RateLimit> {
        let limited = self.are_on() && self.options.rate_limit.key == RateLimitKey::Principal;
        limited.then(|| self.rate_limit(label, overrides))
    }

    fn rate_limit(&self, label: &Label, overrides: &Overrides) -> RateLimit {
        let config = &self.options.rate_limit;
        let (quota, scope) = match overrides.rate_limit {
            None => (config.quota(), String::new()),
            Some((_, RouteLimit::Off)) => (None, String::new()),
            Some((method, RouteLimit::Quota(quota))) => {
                (Some(quota), format!("{method} {}", label.name()))
            }
        };
        RateLimit::new(quota.map(|quota| Limit {
            quota,
            scope: scope.into(),
            key: config.key.clone(),
            when_unavailable: config.when_unavailable,
            limiter: self.limiter.clone(),
            clients: self.clients.clone(),
            instruments: self.limited.clone(),
        }))
    }
}

/// What axum asks of a service that is put around a route.
pub(crate) trait Layered:
    Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Layered for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}
