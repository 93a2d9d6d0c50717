//! Who is streaming.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body::Frame;
use opentelemetry::metrics::Histogram;
use purlin::{
    clock::{Clock, Instant},
    meter::{Meter, label},
};
use tracing::Span;

use super::Drain;
use crate::metrics::{ACTIVE_STREAMS, STREAM_DURATION};

/// The streams of a service.
#[derive(Clone)]
pub(crate) struct Streams(Arc<Inner>);

struct Inner {
    drain: Drain,
    clock: Clock,
    duration: Histogram<f64>,
}

/// What a request knows of the streams; an extension of each.
#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    pub(crate) streams: Streams,
    pub(crate) route: Arc<str>,
}

/// A stream that goes on. It is over when this is dropped.
pub(crate) struct Tracking {
    tracker: Tracker,
    since: Instant,
    span: Span,
    pub(crate) bytes: u64,
    pub(crate) end: End,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// As it was meant to.
    Complete,
    /// With an error of its own.
    Failed,
    /// It was dropped: the client went away, or the server was in a hurry.
    Gone,
}

// === impl Streams ===

impl Streams {
    pub(crate) fn new(drain: Drain, clock: Clock, meter: &Meter) -> Self {
        let observed = drain.clone();
        meter.observe(&ACTIVE_STREAMS, move |observer| {
            for (route, count) in observed.open() {
                observer.observe(count as f64, &[label("route", route)]);
            }
        });
        let duration = meter.histogram(&STREAM_DURATION);
        Self(Arc::new(Inner { drain, clock, duration }))
    }

    pub(crate) fn drain(&self) -> &Drain {
        &self.0.drain
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.drain.fmt(f)
    }
}

// === impl Tracker ===

impl Tracker {
    /// Begins to follow a stream.
    pub(crate) fn track(&self) -> Tracking {
        self.streams.0.drain.opened(&self.route);
        Tracking {
            tracker: self.clone(),
            since: self.streams.0.clock.now(),
            span: Span::current(),
            bytes: 0,
            end: End::Gone,
        }
    }

    /// Notes that a request has no answer, if that is because the server was in a hurry.
    pub(crate) fn unanswered(&self) {
        let Inner { drain, clock, .. } = &*self.streams.0;
        if drain.is_over(clock.now()) {
            drain.unanswered(&self.route);
        }
    }
}

// === impl Tracking ===

impl Tracking {
    /// Notes what has come of a body. Returns whether it goes on.
    pub(super) fn note(&mut self, frame: &Option<Result<Frame<Bytes>, axum::Error>>) -> bool {
        match frame {
            Some(Ok(part)) => {
                self.bytes += part.data_ref().map_or(0, |data| data.len() as u64);
                return true;
            }
            Some(Err(_)) => self.end = End::Failed,
            None => self.end = End::Complete,
        }
        false
    }
}

impl Drop for Tracking {
    fn drop(&mut self) {
        let Inner { drain, clock, duration } = &*self.tracker.streams.0;
        let route = &self.tracker.route;
        let now = clock.now();
        let cut = self.end == End::Gone && drain.is_over(now);
        drain.closed(route, cut);
        let end = match self.end {
            _ if std::thread::panicking() => "failed",
            End::Complete => "complete",
            End::Failed => "failed",
            End::Gone if cut => "cut",
            End::Gone => "gone",
        };
        let took = now - self.since;
        duration.record(took.as_secs_f64(), &[label("route", route.clone()), label("end", end)]);
        let _in_request = self.span.enter();
        tracing::info!(
            target: "purlin_http::stream",
            route = &**route,
            end,
            bytes = self.bytes,
            duration_ms = millis(took),
            "stream ended"
        );
    }
}

/// To the microsecond, which is as fine as it means anything.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
