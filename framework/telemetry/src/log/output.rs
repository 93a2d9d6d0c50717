use std::{
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

/// Where log lines go: to a thread that writes them, so that whoever logs does not wait.
///
/// When too many lines wait, further ones are lost and [counted](Self::lost). After
/// [`flush`](Self::flush) lines are written at once, by whoever logs them.
#[derive(Clone)]
pub struct Output(Arc<Inner>);

struct Inner {
    waiting: NonBlocking,
    lost: ErrorCounter,
    thread: Mutex<Option<WorkerGuard>>,
    /// Held while a line takes its place among those that wait: behind the one that ends the thread
    /// nobody would write it.
    flushed: RwLock<bool>,
    direct: Shared,
}

/// A writer that the thread and, later, everybody else write to.
#[derive(Clone)]
struct Shared(Arc<Mutex<dyn Write + Send>>);

// === impl Output ===

impl Output {
    /// Writes to stdout.
    pub fn stdout(buffered_lines: usize) -> Self {
        Self::new(io::stdout(), buffered_lines)
    }

    /// Writes to `writer`, with at most `buffered_lines` waiting.
    pub fn new(writer: impl Write + Send + 'static, buffered_lines: usize) -> Self {
        let direct = Shared(Arc::new(Mutex::new(writer)));
        let builder = NonBlockingBuilder::default().lossy(true).thread_name("purlin-log");
        let (waiting, thread) = builder.buffered_lines_limit(buffered_lines).finish(direct.clone());
        let lost = waiting.error_counter();
        let thread = Mutex::new(Some(thread));
        Self(Arc::new(Inner { waiting, lost, thread, flushed: RwLock::new(false), direct }))
    }

    /// Writes a line, which ends with a line end.
    pub fn write(&self, line: &[u8]) {
        let flushed = self.0.flushed.read().unwrap_or_else(PoisonError::into_inner);
        // An error in writing the log has nowhere to go.
        let _ = if *flushed {
            let mut direct = self.0.direct.clone();
            direct.write_all(line).and_then(|()| direct.flush())
        } else {
            self.0.waiting.clone().write_all(line)
        };
    }

    /// How many lines were lost because too many waited.
    pub fn lost(&self) -> u64 {
        self.0.lost.dropped_lines() as u64
    }

    /// Waits until what waits is written, at most for about a second. It blocks the thread.
    pub fn flush(&self) {
        *self.0.flushed.write().unwrap_or_else(PoisonError::into_inner) = true;
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Dropping the guard is what waits.
        drop(thread);
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("lost", &self.lost()).finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> MutexGuard<'_, dyn Write + Send + 'static> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    // A line must not be torn by one that is written meanwhile.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.lock().write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().flush()
    }
}
