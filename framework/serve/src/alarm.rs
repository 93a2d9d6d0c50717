use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use purlin_core::clock::{Clock, Instant};
use tokio::task::unconstrained;

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

    /// Resolves at `until`; it is `now`.
    ///
    /// A timer that is set too early is left alone and set again when it fires, so that a
    /// connection which serves one request after the other does not touch it.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut now: Instant,
        until: Instant,
    ) -> Poll<()> {
        loop {
            let timer = match &mut self.timer {
                Some(timer) if timer.at <= until => timer,
                timer => timer.insert(Timer::new(self.clock.clone(), until)),
            };
            // It is still to fire, and knows whom to wake.
            if now < timer.at && timer.waker.will_wake(cx.waker()) {
                return Poll::Pending;
            }
            timer.waker.clone_from(cx.waker());
            ready!(timer.sleep.as_mut().poll(cx));
            self.timer = None;
            now = self.clock.now();
            if now >= until {
                return Poll::Ready(());
            }
        }
    }
}

// === impl Timer ===

impl Timer {
    fn new(clock: Clock, at: Instant) -> Self {
        // It is asked once and then relied on. A task that has had its turn would be told to ask
        // again, and the timer would not be set.
        let sleep = Box::pin(unconstrained(async move { clock.sleep_until(at).await }));
        Self { at, sleep, waker: Waker::noop().clone() }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering::Relaxed},
        },
        task::Wake,
        time::Duration,
    };

    use tokio::task::coop;

    use super::*;

    /// Counts how often a task was woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    fn at(seconds: u64) -> Instant {
        Instant::START + Duration::from_secs(seconds)
    }

    #[test]
    fn a_timer_in_time_is_left_alone_and_a_late_one_is_not() {
        let (clock, hand) = Clock::held();
        let mut alarm = Alarm::new(clock.clone());
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let cx = &mut Context::from_waker(&waker);

        assert!(alarm.poll(cx, clock.now(), at(10)).is_pending());
        hand.advance(Duration::from_secs(4));
        assert!(alarm.poll(cx, clock.now(), at(14)).is_pending(), "put off");
        hand.advance(Duration::from_secs(6));
        assert_eq!(woken.0.load(Relaxed), 1, "at the moment that was set first");
        // What put it off again came in the same moment.
        assert!(alarm.poll(cx, clock.now(), at(20)).is_pending());
        hand.advance(Duration::from_secs(5));
        assert!(alarm.poll(cx, clock.now(), at(18)).is_pending(), "brought forward");
        hand.advance(Duration::from_secs(3));
        assert_eq!(woken.0.load(Relaxed), 2);
        assert!(alarm.poll(cx, clock.now(), at(18)).is_ready());
    }

    /// Uses up what the runtime lets a task do in one turn.
    fn spend(cx: &mut Context<'_>) {
        while let Poll::Ready(budget) = coop::poll_proceed(cx) {
            budget.made_progress();
        }
    }

    #[tokio::test]
    async fn a_timer_is_set_also_where_the_task_has_had_its_turn() {
        let clock = Clock::system();
        let (began, mut alarm, mut is_spent) = (clock.now(), Alarm::new(clock.clone()), false);
        let rings = poll_fn(|cx| {
            if !std::mem::replace(&mut is_spent, true) {
                spend(cx);
            }
            alarm.poll(cx, clock.now(), began + Duration::from_millis(50))
        });
        clock.timeout(Duration::from_secs(20), rings).await.unwrap();
        let took = clock.now().since(began);
        assert!(took < Duration::from_secs(15), "something else woke the task after {took:?}");
    }

    #[test]
    fn whoever_asked_last_is_woken() {
        let (clock, hand) = Clock::held();
        let mut alarm = Alarm::new(clock.clone());
        let asked = [Arc::new(Woken::default()), Arc::new(Woken::default())];
        for woken in &asked {
            let waker = Waker::from(Arc::clone(woken));
            let cx = &mut Context::from_waker(&waker);
            assert!(alarm.poll(cx, clock.now(), at(10)).is_pending());
        }
        hand.advance(Duration::from_secs(10));
        assert_eq!(asked.map(|woken| woken.0.load(Relaxed)), [0, 1]);
    }
}
