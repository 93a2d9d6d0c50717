use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use purlin_core::clock::{Clock, Instant};

/// A timer for a moment that is put off again and again.
pub(crate) struct Alarm {
    clock: Clock,
    timer: Option<Timer>,
}

struct Timer {
    at: Instant,
    sleep: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Whom it wakes.
    waker: Waker,
}

// === impl Alarm ===

impl Alarm {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, timer: None }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Resolves at `until`.
    ///
    /// A timer that is set too early is left alone and set again when it fires, so that a
    /// connection which serves one request after the other does not touch it.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, until: Instant) -> Poll<()> {
        loop {
            let timer = match &mut self.timer {
                Some(timer) if timer.at <= until => timer,
                timer => timer.insert(Timer::new(self.clock.clone(), until)),
            };
            timer.waker.clone_from(cx.waker());
            ready!(timer.sleep.as_mut().poll(cx));
            self.timer = None;
            if self.clock.now() >= until {
                return Poll::Ready(());
            }
        }
    }

    /// The same for who knows that it is `now`: a timer that is still to fire, and wakes this task
    /// then, is not asked.
    pub(crate) fn poll_at(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        until: Instant,
    ) -> Poll<()> {
        let wakes_in_time = |timer: &Timer| {
            now < timer.at && timer.at <= until && timer.waker.will_wake(cx.waker())
        };
        if self.timer.as_ref().is_some_and(wakes_in_time) {
            return Poll::Pending;
        }
        self.poll(cx, until)
    }
}

// === impl Timer ===

impl Timer {
    fn new(clock: Clock, at: Instant) -> Self {
        let sleep = Box::pin(async move { clock.sleep_until(at).await });
        Self { at, sleep, waker: Waker::noop().clone() }
    }
}
