use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use purlin_core::clock::{Clock, Instant};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::{
    Limits, Listener, Stats,
    stats::{Listens, Open},
};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Takes connections from one socket, no more than there are slots for in all of them.
pub(crate) struct Acceptor {
    socket: TcpListener,
    backlog: u32,
    slots: Arc<Semaphore>,
    /// Accepted, and waits for a slot.
    waiting: Option<Waiting>,
    /// There was no slot, and what has come since may still be in the queue of the kernel.
    is_behind: bool,
    clock: Clock,
    stats: Stats,
    pause: Duration,
    paused_until: Instant,
    _listens: Listens,
}

struct Waiting {
    tcp: TcpStream,
    peer: SocketAddr,
    open: Open,
    /// That it had to wait was counted.
    is_counted: bool,
}

/// A connection as it was accepted.
pub(crate) struct Accepted {
    pub(crate) tcp: TcpStream,
    pub(crate) peer: SocketAddr,
    /// Given back when the connection ends; `None` for those accepted over the limit at a stop.
    pub(crate) slot: Option<OwnedSemaphorePermit>,
    pub(crate) open: Open,
}

// === impl Acceptor ===

impl Acceptor {
    /// One for each socket.
    pub(crate) fn all(
        listener: Listener,
        limits: &Limits,
        clock: &Clock,
        stats: &Stats,
    ) -> io::Result<Vec<Self>> {
        let slots = limits.max_connections.clamp(1, Semaphore::MAX_PERMITS);
        let slots = Arc::new(Semaphore::new(slots));
        let backlog = listener.backlog();
        let new = |socket| {
            Ok(Self {
                socket: TcpListener::from_std(socket)?,
                backlog,
                slots: Arc::clone(&slots),
                waiting: None,
                is_behind: false,
                clock: clock.clone(),
                stats: stats.clone(),
                pause: FIRST_PAUSE,
                paused_until: Instant::START,
                _listens: stats.listen(),
            })
        };
        listener.into_sockets().into_iter().map(new).collect()
    }

    /// Waits for a free slot and then for a connection. Cancel safe.
    ///
    /// The slot is taken when the connection is there: a loop to which none comes keeps none from
    /// the others. So where there are several, each may accept one that has to wait.
    pub(crate) async fn accept(&mut self) -> Accepted {
        loop {
            let slots = Arc::clone(&self.slots);
            let is_full = slots.available_permits() == 0;
            if let Some(waiting) = &mut self.waiting {
                if is_full && !std::mem::replace(&mut waiting.is_counted, true) {
                    self.stats.queue();
                }
                let slot = slots.acquire_owned().await.expect("the semaphore is never closed");
                let Waiting { tcp, peer, open, .. } =
                    self.waiting.take().expect("nobody else takes it");
                return Accepted { tcp, peer, slot: Some(slot), open };
            }
            self.clock.sleep_until(self.paused_until).await;
            self.is_behind |= is_full;
            drop(slots.acquire().await);
            match poll_fn(|cx| self.poll_socket(cx)).await {
                Ok((tcp, peer)) => {
                    self.pause = FIRST_PAUSE;
                    if self.is_behind {
                        self.stats.queue();
                    }
                    let (open, is_counted) = (self.stats.open(), self.is_behind);
                    self.waiting = Some(Waiting { tcp, peer, open, is_counted });
                }
                Err(error) => self.note(&error),
            }
        }
    }

    fn poll_socket(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let accepted = self.socket.poll_accept(cx);
        if accepted.is_pending() {
            // The queue is empty: who comes now has not waited.
            self.is_behind = false;
        }
        accepted
    }

    /// Takes what the kernel has queued, then closes the socket.
    ///
    /// The socket itself is asked until it has nothing more: what the runtime knows of its readiness
    /// may be older than the latest connection.
    pub(crate) fn close(self) -> Vec<Accepted> {
        let Self { socket, backlog, slots, waiting, stats, .. } = self;
        let accepted = |tcp, peer, open| {
            let slot = Arc::clone(&slots).try_acquire_owned().ok();
            Accepted { tcp, peer, slot, open }
        };
        let mut queued = Vec::from_iter(waiting.map(|it| accepted(it.tcp, it.peer, it.open)));
        let Ok(socket) = socket.into_std() else {
            return queued;
        };
        // The kernel queues one more than the backlog. The bound keeps a flood of new connections
        // from holding the socket open.
        for _ in 0..=backlog {
            match socket.accept() {
                Ok((tcp, peer)) => {
                    match tcp.set_nonblocking(true).and_then(|()| TcpStream::from_std(tcp)) {
                        Ok(tcp) => queued.push(accepted(tcp, peer, stats.open())),
                        Err(_) => stats.accept_error(),
                    }
                }
                Err(error) if is_of_one_connection(&error) => stats.accept_error(),
                Err(_) => break,
            }
        }
        queued
    }

    /// Counts a failed accept. Where the next one would fail at once too, as without a free file
    /// descriptor, it waits a little: ends of connections may mend it, spinning does not.
    fn note(&mut self, error: &io::Error) {
        self.stats.accept_error();
        if is_of_one_connection(error) {
            return;
        }
        tracing::warn!(%error, pause = ?self.pause, "cannot accept connections for now");
        self.paused_until = self.clock.now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether `error` concerns the connection that was to be accepted, and not those after it.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
