use std::{
    task::{Context, Poll, ready},
    time::Duration,
};

use purlin_core::clock::{Clock, Instant};

use super::track::{Phase, Track};
use crate::{Limits, alarm::Alarm};

/// How long a connection may stay in the phase that it is in.
pub(super) struct Patience {
    header_read_timeout: Duration,
    idle_timeout: Duration,
    body_write_timeout: Duration,
    phase: Phase,
    since: Instant,
    closing: bool,
    alarm: Alarm,
}

/// What is to happen to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The server drains: it is to end after the requests in flight, or now if there are none.
    Close,
    /// No request came: the same.
    CloseIdle,
    /// It has had its time and is dropped.
    Cut,
}

// === impl Patience ===

impl Patience {
    pub(super) fn new(limits: &Limits, clock: Clock) -> Self {
        Self {
            header_read_timeout: limits.header_read_timeout,
            idle_timeout: limits.idle_timeout,
            body_write_timeout: limits.body_write_timeout,
            phase: Phase::Fresh,
            since: clock.now(),
            closing: false,
            alarm: Alarm::new(clock),
        }
    }

    /// Resolves when the connection is to end; it is told to close once.
    ///
    /// `grace` is set while the server drains: until then a connection without a request may still
    /// get one.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        track: &Track,
        grace: Option<Instant>,
    ) -> Poll<Verdict> {
        let phase = track.phase();
        let begins = std::mem::replace(&mut self.phase, phase) != phase;
        // HTTP/2 says until which request it answers, so that nothing has to be waited for.
        let busy = matches!(phase, Phase::Busy | Phase::Offered(_));
        if grace.is_some() && !self.closing && (busy || track.is_http2()) {
            return Poll::Ready(self.close(Verdict::Close));
        }
        let patience = match phase {
            Phase::Busy => return Poll::Pending,
            Phase::Offered(_) => self.body_write_timeout,
            Phase::Fresh | Phase::Head(_) => self.header_read_timeout,
            Phase::Idle(_) if self.closing => self.header_read_timeout,
            Phase::Idle(_) => self.idle_timeout,
        };
        let now = self.alarm.clock().now();
        if begins {
            self.since = now;
        }
        let (mut until, mut close) = (self.since + patience, Verdict::CloseIdle);
        if let Some(grace) = grace
            && !self.closing
            && !matches!(phase, Phase::Head(_))
            && grace <= until
        {
            (until, close) = (grace, Verdict::Close);
        }
        ready!(self.alarm.poll(cx, now, until));
        // A connection on which nothing is under way ends in good order; if it does not (its client
        // does not read), it is cut like one whose head never ends.
        if self.closing || matches!(phase, Phase::Head(_) | Phase::Offered(_)) {
            Poll::Ready(Verdict::Cut)
        } else {
            Poll::Ready(self.close(close))
        }
    }

    fn close(&mut self, verdict: Verdict) -> Verdict {
        self.closing = true;
        self.since = self.alarm.clock().now();
        verdict
    }
}
