use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::{Duration, SystemTime},
};

use super::Instant;

/// 2030-01-01T00:00:00Z, in seconds since the Unix epoch.
const EPOCH: u64 = 1_893_456_000;

/// Moves a held [`Clock`](super::Clock).
///
/// Timers fire in the order of their deadlines, those of one deadline in the order in which they
/// were set, so that a run with the same inputs is the same run.
#[derive(Clone)]
pub struct Hand(Arc<Mutex<State>>);

struct State {
    now: Duration,
    wall: SystemTime,
    next_id: u64,
    timers: BTreeMap<(Duration, u64), Waker>,
    watchers: Vec<Waker>,
}

// === impl Hand ===

impl Hand {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            now: Duration::ZERO,
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(EPOCH),
            next_id: 0,
            timers: BTreeMap::new(),
            watchers: Vec::new(),
        })))
    }

    /// Moves the clock ahead and wakes whoever sleeps until then.
    pub fn advance(&self, by: Duration) {
        let due = {
            let mut state = self.state();
            state.now = state.now.saturating_add(by);
            state.wall = state.wall.checked_add(by).unwrap_or(state.wall);
            let after = state.now.saturating_add(Duration::from_nanos(1));
            let later = state.timers.split_off(&(after, 0));
            std::mem::replace(&mut state.timers, later)
        };
        due.into_values().for_each(Waker::wake);
    }

    /// Moves the clock to the next deadline that somebody sleeps for, and tells how far that was.
    pub fn advance_to_next(&self) -> Option<Duration> {
        let by = {
            let state = self.state();
            let (deadline, _) = state.timers.keys().next()?;
            deadline.saturating_sub(state.now)
        };
        self.advance(by);
        Some(by)
    }

    /// Steps the wall clock by `seconds`, as an operator or NTP would; monotonic time stays.
    pub fn step(&self, seconds: i64) {
        let by = Duration::from_secs(seconds.unsigned_abs());
        let mut state = self.state();
        if seconds < 0 {
            state.wall -= by;
        } else {
            state.wall += by;
        }
    }

    /// Waits until at least `count` sleepers wait for the clock.
    pub async fn sleepers(&self, count: usize) {
        poll_fn(|cx| {
            let mut state = self.state();
            if state.timers.len() >= count {
                return Poll::Ready(());
            }
            state.watchers.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    pub(super) fn now(&self) -> Instant {
        Instant(self.state().now)
    }

    pub(super) fn system_now(&self) -> SystemTime {
        self.state().wall
    }

    pub(super) fn sleep_until(&self, Instant(deadline): Instant) -> impl Future<Output = ()> {
        let mut timer = Timer { hand: self.clone(), deadline, id: None };
        poll_fn(move |cx| timer.poll(cx.waker()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Timer {
    hand: Hand,
    deadline: Duration,
    id: Option<u64>,
}

// === impl Timer ===

impl Timer {
    fn poll(&mut self, waker: &Waker) -> Poll<()> {
        let mut state = self.hand.state();
        if state.now >= self.deadline {
            return Poll::Ready(());
        }
        let id = *self.id.get_or_insert_with(|| {
            state.next_id += 1;
            state.next_id
        });
        state.timers.insert((self.deadline, id), waker.clone());
        let watchers = std::mem::take(&mut state.watchers);
        drop(state);
        watchers.into_iter().for_each(Waker::wake);
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.hand.state().timers.remove(&(self.deadline, id));
        }
    }
}
