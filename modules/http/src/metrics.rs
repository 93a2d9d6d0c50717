//! The metrics of the server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use opentelemetry::metrics::{Counter, Histogram};
use purlin::meter::{Kind, Meter, Metric, label};

/// How long requests took, until the head of the answer.
///
/// `route` is the template of the route (`/orders/{id}`), or `<unmatched>`; `method` is `_OTHER` for
/// what is not a common method; `status` is 499 where the caller did not wait for the answer.
pub const REQUEST_DURATION: Metric = Metric {
    name: "http_server_request_duration_seconds",
    help: "How long HTTP requests took.",
    kind: Kind::Histogram,
    unit: "s",
    labels: &["method", "route", "status"],
};

/// The requests that are being answered.
pub const ACTIVE_REQUESTS: Metric = Metric {
    name: "http_server_active_requests",
    help: "HTTP requests that are being answered.",
    kind: Kind::UpDownCounter,
    unit: "",
    labels: &[],
};

/// The connections that are open.
pub const CONNECTIONS: Metric = Metric {
    name: "http_server_connections",
    help: "HTTP connections that are open.",
    kind: Kind::UpDownCounter,
    unit: "",
    labels: &[],
};

/// The handlers that panicked.
pub const PANICS: Metric = Metric {
    name: "http_server_panics_total",
    help: "HTTP requests whose handler panicked.",
    kind: Kind::Counter,
    unit: "",
    labels: &["route"],
};

/// All of them.
pub const ALL: &[Metric] = &[REQUEST_DURATION, ACTIVE_REQUESTS, CONNECTIONS, PANICS];

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
        observe(meter, &ACTIVE_REQUESTS, {
            let active = active.clone();
            move || active.load(Ordering::Relaxed)
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

/// Reads a number when metrics are collected, which costs a request nothing.
pub(crate) fn observe(
    meter: &Meter,
    metric: &Metric,
    read: impl Fn() -> i64 + Send + Sync + 'static,
) {
    // The meter keeps the callback; the instrument is only a name for it.
    let _ = meter
        .otel()
        .i64_observable_up_down_counter(metric.name)
        .with_description(metric.help)
        .with_callback(move |observer| observer.observe(read(), &[]))
        .build();
}
