use std::{fmt, future::Future, thread::JoinHandle};

use tokio::sync::oneshot;

/// A thread with a runtime of its own, until it is dropped.
///
/// A double that runs on the runtime of the test would stand still while the test blocks its thread,
/// as it does when it drops a [`TestApp`](crate::TestApp) that still waits for an answer.
pub(crate) struct Stage {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

// === impl Stage ===

impl Stage {
    /// Runs what `play` makes, on a thread that is called `name`.
    ///
    /// # Panics
    /// When this machine gives no thread or no runtime.
    pub(crate) fn start<F: Future<Output = ()>>(
        name: &str,
        play: impl FnOnce() -> F + Send + 'static,
    ) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime can be built");
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = async { play().await } => {}
                }
            });
            runtime.shutdown_background();
        });
        let thread = thread.expect("a thread can be started");
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed, and a second one here would hide it.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stage")
    }
}
