//! The watchdog: a thread that ends a process which does not end by itself.
//!
//! An abort cannot stop a task that never yields, nor a blocking thread. At the total deadline of a
//! stop the watchdog says what is stuck and exits with code 74.

use std::{
    io::Write as _,
    sync::{Arc, Condvar, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use crate::exit::Exit;

/// A handle on the watchdog's thread. The thread sleeps until it is armed.
#[derive(Debug, Clone)]
pub(crate) struct Watchdog(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    deadline: Option<Instant>,
    stuck: Vec<String>,
}

/// How long after the deadline the application may still end by itself.
const SLACK: Duration = Duration::from_millis(250);

// === impl Watchdog ===

impl Watchdog {
    pub(crate) fn start() -> std::io::Result<Self> {
        let watchdog = Self(Arc::default());
        let this = watchdog.clone();
        std::thread::Builder::new()
            .name("purlin-watchdog".to_owned())
            .spawn(move || this.watch())?;
        Ok(watchdog)
    }

    /// Ends the process when `within` has passed. A second call moves the deadline.
    #[expect(
        clippy::disallowed_methods,
        reason = "the watchdog counts real time, whatever the clock"
    )]
    pub(crate) fn arm(&self, within: Duration) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.deadline = Instant::now().checked_add(within + SLACK);
        changed.notify_one();
    }

    /// Lets the process live: the application has ended.
    pub(crate) fn disarm(&self) {
        let (state, changed) = &*self.0;
        state.lock().unwrap_or_else(PoisonError::into_inner).deadline = None;
        changed.notify_one();
    }

    /// Says what would be stuck if nothing went on from here.
    pub(crate) fn set_stuck(&self, stuck: Vec<String>) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).stuck = stuck;
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the watchdog counts real time and ends the process"
    )]
    fn watch(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left =
                state.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            state = match left {
                None => changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => break,
                Some(left) => {
                    changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        let stuck =
            if state.stuck.is_empty() { "the runtime".to_owned() } else { state.stuck.join(", ") };
        let code = i32::from(Exit::STOP_OVERRAN);
        tell(format!("stuck at the deadline: {stuck} · exit code {code}\n"));
        std::process::exit(code);
    }
}

/// Writes to stderr, which may be a pipe that nobody reads.
fn tell(text: String) {
    let (told, end) = mpsc::channel();
    let telling = std::thread::Builder::new().spawn(move || {
        let _ = std::io::stderr().write_all(text.as_bytes());
        let _ = told.send(());
    });
    if telling.is_ok() {
        let _ = end.recv_timeout(SLACK);
    }
}
