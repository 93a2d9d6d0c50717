use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use purlin_core::clock::{Clock, Instant};

use super::track::{Phase, Track};
use crate::Limits;

/// How long a connection may stay in the phase that it is in.
pub(super) struct Patience {
    clock: Clock,
    header_read_timeout: Duration,
    idle_timeout: Duration,
    phase: Phase,
    since: Instant,
    closing: bool,
    alarm: Option<(Instant, Sleep)>,
}

/// What is to happen to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is to end after the request in flight, or now if there is none.
    Close,
    /// It has had its time and is dropped.
    Cut,
}

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

// === impl Patience ===

impl Patience {
    pub(super) fn new(limits: &Limits, clock: Clock) -> Self {
        Self {
            since: clock.now(),
            clock,
            header_read_timeout: limits.header_read_timeout,
            idle_timeout: limits.idle_timeout,
            phase: Phase::Fresh,
            closing: false,
            alarm: None,
        }
    }

    /// Resolves when the connection is to end; `Close` comes once.
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
        if phase != self.phase {
            self.phase = phase;
            self.since = self.clock.now();
        }
        let patience = match phase {
            Phase::Busy if grace.is_some() && !self.closing => return self.close(),
            Phase::Busy => return Poll::Pending,
            Phase::Fresh | Phase::Head(_) => self.header_read_timeout,
            Phase::Idle(_) if self.closing => self.header_read_timeout,
            Phase::Idle(_) => self.idle_timeout,
        };
        let mut until = self.since + patience;
        if let Some(grace) = grace
            && !self.closing
            && !matches!(phase, Phase::Head(_))
        {
            until = until.min(grace);
        }
        ready!(self.poll_alarm(cx, until));
        // A connection on which nothing is under way ends in good order; if it does not (its client
        // does not read), it is cut like one whose head never ends.
        if self.closing || matches!(phase, Phase::Head(_)) {
            Poll::Ready(Verdict::Cut)
        } else {
            self.close()
        }
    }

    fn close(&mut self) -> Poll<Verdict> {
        self.closing = true;
        self.since = self.clock.now();
        Poll::Ready(Verdict::Close)
    }

    /// Resolves at `until`.
    ///
    /// A timer that is set too early is left alone and set again when it fires, so that a
    /// connection which serves one request after the other does not touch it.
    fn poll_alarm(&mut self, cx: &mut Context<'_>, until: Instant) -> Poll<()> {
        loop {
            let (_, sleep) = match &mut self.alarm {
                Some(alarm) if alarm.0 <= until => alarm,
                alarm => {
                    let clock = self.clock.clone();
                    let sleep = Box::pin(async move { clock.sleep_until(until).await });
                    alarm.insert((until, sleep))
                }
            };
            ready!(sleep.as_mut().poll(cx));
            self.alarm = None;
            if self.clock.now() >= until {
                return Poll::Ready(());
            }
        }
    }
}
