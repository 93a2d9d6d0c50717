//! The metrics of requests. Those of connections are [`purlin_serve::metrics`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use opentelemetry::metrics::{Counter, Histogram};
use purlin::meter::{Meter, label};

purlin::metrics! {
    /// Until the head of the answer; a stream is measured by itself.
    ///
    /// `route` is the template of the route (`/orders/{id}`), or `<unmatched>`; `method` is `_OTHER`
    /// for what is not a common method; `status` is 499 where the caller did not wait for the
    /// answer.
    REQUEST_DURATION = Histogram "http_server_request_duration_seconds" ["method", "route", "status"] "s":
        "How long HTTP requests took.";
    ACTIVE_REQUESTS = UpDownCounter "http_server_active_requests" [] "":
        "HTTP requests that are being answered.";
    PANICS = Counter "http_server_panics_total" ["route"] "":
        "HTTP requests whose handler panicked.";
    /// See [`stream`](crate::stream).
    ACTIVE_STREAMS = UpDownCounter "http_server_active_streams" ["route"] "":
        "HTTP streams and WebSockets that are open.";
    /// Until the end of the stream. `end` is `complete`, `failed` (by an error of its own), `gone`
    /// (the client went away) or `cut` (the drain took too long).
    STREAM_DURATION = Histogram "http_server_stream_duration_seconds" ["route", "end"] "s":
        "How long HTTP streams and WebSockets were open.";
}

/// The instruments of one service.
#[derive(Clone)]
pub(crate) struct Instruments(Arc<Inner>);

struct Inner {
    duration: Histogram<f64>,
    panics: Counter<u64>,
    active: Arc<AtomicI64>,
}

// === impl Instruments ===

impl Instruments {
    pub(crate) fn new(meter: &Meter) -> Self {
        let active = Arc::new(AtomicI64::new(0));
        let observed = active.clone();
        meter.observe(&ACTIVE_REQUESTS, move |observer| {
            observer.observe(observed.load(Ordering::Relaxed) as f64, &[]);
        });
        let duration = meter.histogram(&REQUEST_DURATION);
        Self(Arc::new(Inner { duration, panics: meter.counter(&PANICS), active }))
    }

    /// Counts a request that begins.
    pub(crate) fn enter(&self) {
        self.0.active.fetch_add(1, Ordering::Relaxed);
    }

    /// Records a request that has ended.
    pub(crate) fn leave(&self, method: &'static str, route: Arc<str>, status: u16, took: Duration) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
        let labels =
            [label("method", method), label("route", route), label("status", i64::from(status))];
        self.0.duration.record(took.as_secs_f64(), &labels);
    }

    /// Counts a panic.
    pub(crate) fn panicked(&self, route: Arc<str>) {
        self.0.panics.add(1, &[label("route", route)]);
    }
}
