use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use purlin_core::clock::{Clock, Instant};

/// A timer for a moment that is put off again and again.
pub(crate) struct Alarm {
    clock: Clock,
    set: Option<(Instant, Sleep)>,
}

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

// === impl Alarm ===

impl Alarm {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, set: None }
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
            let (_, sleep) = match &mut self.set {
                Some(set) if set.0 <= until => set,
                set => {
                    let clock = self.clock.clone();
                    let sleep = Box::pin(async move { clock.sleep_until(until).await });
                    set.insert((until, sleep))
                }
            };
            ready!(sleep.as_mut().poll(cx));
            self.set = None;
            if self.clock.now() >= until {
                return Poll::Ready(());
            }
        }
    }
}
