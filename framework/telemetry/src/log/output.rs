use std::{
    fmt,
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// Where log lines go: to a thread that writes them, so that whoever logs does not wait.
///
/// When too many lines wait, further ones are lost and [counted](Self::lost). After a
/// [`flush`](Self::flush) whoever logs a line waits until it is written.
#[derive(Clone)]
pub struct Output(Arc<Owner>);

/// Log lines that were not written when they had to be; from [`Output::flush`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{lines} log lines are lost: whoever reads the log did not take them within {limit:?} \
     (logger.flush_timeout)"
)]
pub struct Unwritten {
    /// How many.
    pub lines: u64,
    /// How long they were waited for.
    pub limit: Duration,
}

/// What all clones of an output hold. The thread ends when the last of them is dropped.
struct Owner(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    /// There is something to do for the thread.
    filled: Condvar,
    /// Lines were written.
    written: Condvar,
}

struct Queue {
    /// The lines that wait, one behind the other.
    text: Vec<u8>,
    waiting: usize,
    /// How many of the lines that the thread has taken are not written yet.
    taken: usize,
    /// How many may wait.
    limit: usize,
    lost: u64,
    mode: Mode,
    /// The thread waits to be woken.
    asleep: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Nobody waits.
    Open,
    /// Whoever logs waits for that long.
    Flushed(Duration),
    /// Nobody reads: lines are lost.
    Stalled,
    /// Nobody logs any more.
    Closed,
}

/// How much is written at once. What is written is known, and counted, in such steps.
const CHUNK: usize = 64 * 1024;

/// Between two writes. Lines gather meanwhile: to wake the thread for each costs more than to write it.
const PAUSE: Duration = Duration::from_millis(1);

/// Room for more than that is given back once it is empty.
const KEPT: usize = 1024 * 1024;

// === impl Output ===

impl Output {
    /// Writes to stdout.
    ///
    /// # Panics
    /// When the system starts no thread.
    pub fn stdout(buffered_lines: usize) -> Self {
        Self::new(io::stdout(), buffered_lines)
    }

    /// Writes to `writer`, with at most `buffered_lines` waiting.
    ///
    /// # Panics
    /// When the system starts no thread.
    pub fn new(writer: impl Write + Send + 'static, buffered_lines: usize) -> Self {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue {
                text: Vec::new(),
                waiting: 0,
                taken: 0,
                limit: buffered_lines,
                lost: 0,
                mode: Mode::Open,
                asleep: false,
            }),
            filled: Condvar::new(),
            written: Condvar::new(),
        });
        let of_thread = shared.clone();
        thread::Builder::new()
            .name("purlin-log".to_owned())
            .spawn(move || of_thread.write_all(writer))
            .expect("the system starts a thread for the log");
        Self(Arc::new(Owner(shared)))
    }

    /// Writes a line, which ends with a line end.
    pub fn write(&self, line: &[u8]) {
        let shared = &*self.0.0;
        let mut queue = shared.lock();
        if queue.mode == Mode::Stalled || queue.waiting >= queue.limit {
            queue.lost += 1;
            return;
        }
        queue.text.extend_from_slice(line);
        queue.waiting += 1;
        let wakes = mem::take(&mut queue.asleep) || queue.waiting == queue.limit / 2;
        if let Mode::Flushed(limit) = queue.mode {
            shared.filled.notify_one();
            // Who logs cannot be told, and the line is counted.
            let _ = shared.settle(queue, limit);
        } else if wakes {
            // Who is woken wants the lock.
            drop(queue);
            shared.filled.notify_one();
        }
    }

    /// How many lines were lost: because too many waited, because they could not be written, or
    /// because nobody read them at a [`flush`](Self::flush).
    pub fn lost(&self) -> u64 {
        self.0.0.lock().lost
    }

    /// Waits until all lines are written, for at most `limit`; from then on, so does whoever writes
    /// a line. It blocks the thread.
    ///
    /// # Errors
    /// When lines are left: they are lost, as are all that follow, and nobody waits any more.
    pub fn flush(&self, limit: Duration) -> Result<(), Unwritten> {
        let shared = &*self.0.0;
        let mut queue = shared.lock();
        if queue.mode == Mode::Open {
            queue.mode = Mode::Flushed(limit);
        }
        shared.filled.notify_one();
        shared.settle(queue, limit)
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("lost", &self.lost()).finish_non_exhaustive()
    }
}

// === impl Owner ===

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().mode = Mode::Closed;
        self.0.filled.notify_one();
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until everything is written, and gives up what is not.
    fn settle(&self, queue: MutexGuard<'_, Queue>, limit: Duration) -> Result<(), Unwritten> {
        let unwritten = |queue: &mut Queue| queue.waiting + queue.taken > 0;
        let (mut queue, waited) = self
            .written
            .wait_timeout_while(queue, limit, unwritten)
            .unwrap_or_else(PoisonError::into_inner);
        if !waited.timed_out() {
            return Ok(());
        }
        let lines = (queue.waiting + queue.taken) as u64;
        queue.lost += lines;
        (queue.waiting, queue.taken, queue.mode) = (0, 0, Mode::Stalled);
        queue.text = Vec::new();
        // Whoever else waits has been counted with these.
        self.written.notify_all();
        Err(Unwritten { lines, limit })
    }

    /// What the thread does.
    fn write_all(&self, mut writer: impl Write) {
        let mut text = Vec::new();
        while self.take(&mut text) {
            let mut rest = &*text;
            while !rest.is_empty() {
                let chunk = chunk(rest);
                rest = rest.get(chunk.len()..).unwrap_or_default();
                // What could not be written has nowhere else to go.
                let wrote = writer.write_all(chunk).and_then(|()| writer.flush()).is_ok();
                let mut queue = self.lock();
                if queue.mode == Mode::Stalled {
                    // The rest has been given up, and counted.
                    return;
                }
                let lines = || chunk.iter().filter(|byte| is_end(byte)).count();
                let left = if rest.is_empty() { 0 } else { queue.taken.saturating_sub(lines()) };
                if !wrote {
                    queue.lost += (queue.taken - left) as u64;
                }
                queue.taken = left;
                if queue.mode != Mode::Open {
                    self.written.notify_all();
                }
            }
            self.gather();
        }
    }

    /// Lets lines gather, unless somebody waits for them or there are many.
    fn gather(&self) {
        let gathers =
            |queue: &mut Queue| queue.mode == Mode::Open && queue.waiting < queue.limit / 2;
        let gathered = self.filled.wait_timeout_while(self.lock(), PAUSE, gathers);
        drop(gathered.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits for lines and takes them all. `false`: there are none, and none will come.
    fn take(&self, text: &mut Vec<u8>) -> bool {
        text.clear();
        text.shrink_to(KEPT);
        let sleeps = |queue: &mut Queue| {
            queue.asleep = queue.waiting == 0 && queue.mode != Mode::Closed;
            queue.asleep
        };
        let mut queue =
            self.filled.wait_while(self.lock(), sleeps).unwrap_or_else(PoisonError::into_inner);
        mem::swap(text, &mut queue.text);
        queue.taken = mem::take(&mut queue.waiting);
        queue.taken > 0
    }
}

/// The first lines of a text: what fits into a [`CHUNK`], or one line.
fn chunk(text: &[u8]) -> &[u8] {
    let fits = text.get(..CHUNK).unwrap_or(text);
    let last = fits.iter().rposition(is_end).or_else(|| text.iter().position(is_end));
    last.and_then(|last| text.get(..=last)).unwrap_or(text)
}

fn is_end(byte: &u8) -> bool {
    *byte == b'\n'
}
