//! The layers around every route, from the outside in:
//!
//! 1. `correlation_id`: the identifier of the request, and the span that puts it into the logs;
//! 2. `access_log`: one line per request;
//! 3. `metrics`: duration by method, route and status;
//! 4. `problems`: errors as problem details;
//! 5. `panics`: a panic as 500;
//! 6. the timeout of the request: 504;
//! 7. the limit of the body: 413;
//! 8. on secured routes the guard: 401 and 403.
//!
//! The layers of the user follow inside, then the handler. What measures is outside of what
//! answers, so that a panic, a timeout and a refusal are logged and counted as what the caller got.
//!
//! A route has its layers to itself, so that its label and its limits are known when it is built
//! and cost nothing per request.
//!
//! A layer that is off is in its place and does nothing. Tower's `option_layer` would make each
//! layer's type name what is inside twice, and so the whole stack's 2⁶ times.

mod access_log;
mod body_limit;
mod correlation;
mod guard;
mod label;
mod metrics;
mod panics;
mod problems;
mod timeout;

use std::{convert::Infallible, time::Duration};

use axum::{extract::Request, response::Response, routing::Route};
use purlin::config::ByteSize;
use tower::{Layer, Service, ServiceBuilder};

pub use self::correlation::CorrelationId;
use self::{
    access_log::AccessLog, body_limit::BodyLimit, correlation::Correlate, metrics::Measure,
    panics::CatchPanics, problems::Problems, timeout::Timeout,
};
pub(crate) use self::{guard::Guard, label::Label};
use crate::{Options, metrics::Instruments};

/// The layers of one service, ready to be put around its routes.
pub(crate) struct Layers {
    options: Options,
    instruments: Instruments,
}

/// What a route sets for itself.
#[derive(Clone, Copy, Default)]
pub(crate) struct Overrides {
    pub(crate) timeout: Option<Duration>,
    pub(crate) body_limit: Option<ByteSize>,
}

// === impl Layers ===

impl Layers {
    pub(crate) fn new(options: &Options) -> Self {
        Self { options: options.clone(), instruments: Instruments::new(&options.meter) }
    }

    /// The layers of one route.
    pub(crate) fn stack(
        &self,
        label: Label,
        overrides: Overrides,
    ) -> impl Layer<Route, Service = impl Layered + use<>> + Clone + Send + Sync + use<> {
        let Options { clock, entropy, layers: on, .. } = &self.options;
        let timeout = overrides.timeout.unwrap_or(self.options.request_timeout);
        let body_limit = overrides.body_limit.unwrap_or(self.options.body_limit);
        let meter = &self.instruments;
        ServiceBuilder::new()
            .layer(Correlate::new(on.correlation_id, entropy.clone(), label.clone()))
            .layer(AccessLog::new(on.access_log, clock.clone(), label.clone()))
            .layer(Measure::new(on.metrics, clock.clone(), label.clone(), meter.clone()))
            .layer(Problems::new(on.problems))
            .layer(CatchPanics::new(on.panics, label, meter.clone()))
            .layer(Timeout::new(clock.clone(), timeout))
            .layer(BodyLimit::new(body_limit))
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
