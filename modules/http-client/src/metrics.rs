//! Metrics.

use std::sync::Arc;

use http::{Method, StatusCode};
use opentelemetry::metrics::Histogram;
use purlin::{
    clock::{Clock, Instant},
    meter::{Meter, label},
};
use tokio_util::task::TaskTracker;

use crate::{error::Broken, request::note_error};

purlin::metrics! {
    /// Each attempt counts. `client` is the section; `method` is `_OTHER` for what is not a common
    /// method; `status` is that of the answer, or `connect_error`, `broken`, `too_large`, or
    /// `cancelled` where it ran into a timeout or the caller did not wait.
    REQUEST_DURATION = Histogram "http_client_request_duration_seconds" ["client", "method", "status"] "s":
        "How long attempts of HTTP requests took, until the last byte of the answer.";
    ACTIVE_REQUESTS = UpDownCounter "http_client_active_requests" ["client"] "":
        "HTTP requests in flight, with their pauses.";
}

/// The instruments of one client.
pub(crate) struct Instruments {
    client: Arc<str>,
    duration: Histogram<f64>,
}

/// Measures an attempt until it is dropped.
pub(crate) struct Attempt<'a> {
    instruments: &'a Instruments,
    clock: &'a Clock,
    begun: Instant,
    method: &'static str,
    status: Status,
}

enum Status {
    Code(StatusCode),
    Word(&'static str),
}

// === impl Instruments ===

impl Instruments {
    pub(crate) fn new(meter: &Meter, client: Arc<str>, calls: &TaskTracker) -> Self {
        let (calls, labels) = (calls.clone(), [label("client", client.clone())]);
        meter.observe(&ACTIVE_REQUESTS, move |observer| {
            let active = u32::try_from(calls.len()).unwrap_or(u32::MAX);
            observer.observe(active.into(), &labels);
        });
        Self { client, duration: meter.histogram(&REQUEST_DURATION) }
    }

    pub(crate) fn attempt<'a>(&'a self, clock: &'a Clock, method: &Method) -> Attempt<'a> {
        let (begun, status) = (clock.now(), Status::Word("cancelled"));
        Attempt { instruments: self, clock, begun, method: name(method), status }
    }
}

// === impl Attempt ===

impl Attempt<'_> {
    pub(crate) fn answered(mut self, status: StatusCode) {
        self.status = Status::Code(status);
    }

    pub(crate) fn broke(mut self, error: &Broken) {
        self.status = Status::Word(error.kind());
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let Instruments { client, duration } = self.instruments;
        let status = match self.status {
            Status::Code(code) => label("status", code.as_str().to_owned()),
            Status::Word(word) => {
                // An attempt that is given up is dropped, and that inside of its span.
                note_error(word);
                label("status", word)
            }
        };
        let labels = [label("client", client.clone()), label("method", self.method), status];
        duration.record((self.clock.now() - self.begun).as_secs_f64(), &labels);
    }
}

/// A method as a label: there is no end of methods.
pub(crate) fn name(method: &Method) -> &'static str {
    const COMMON: [(Method, &str); 7] = [
        (Method::GET, "GET"),
        (Method::POST, "POST"),
        (Method::PUT, "PUT"),
        (Method::PATCH, "PATCH"),
        (Method::DELETE, "DELETE"),
        (Method::HEAD, "HEAD"),
        (Method::OPTIONS, "OPTIONS"),
    ];
    COMMON.iter().find(|(common, _)| common == method).map_or("_OTHER", |(_, name)| name)
}
