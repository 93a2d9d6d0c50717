use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use purlin_core::clock::{Clock, Instant};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::{Limits, Listener, Stats, stats::Open};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Takes connections from the kernel, no more than there are slots for.
pub(crate) struct Acceptor {
    listener: TcpListener,
    backlog: u32,
    slots: Arc<Semaphore>,
    clock: Clock,
    stats: Stats,
    pause: Duration,
    paused_until: Instant,
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
    pub(crate) fn new(
        listener: Listener,
        limits: &Limits,
        clock: Clock,
        stats: Stats,
    ) -> io::Result<Self> {
        let slots = limits.max_connections.clamp(1, Semaphore::MAX_PERMITS);
        Ok(Self {
            backlog: listener.backlog(),
            listener: listener.into_tokio()?,
            slots: Arc::new(Semaphore::new(slots)),
            clock,
            stats,
            pause: FIRST_PAUSE,
            paused_until: Instant::START,
        })
    }

    /// Waits for a slot and then for a connection. Cancel safe.
    pub(crate) async fn accept(&mut self) -> Accepted {
        loop {
            self.clock.sleep_until(self.paused_until).await;
            let slots = Arc::clone(&self.slots);
            let slot = slots.acquire_owned().await.expect("the semaphore is never closed");
            match self.listener.accept().await {
                Ok((tcp, peer)) => {
                    self.pause = FIRST_PAUSE;
                    return Accepted { tcp, peer, slot: Some(slot), open: self.stats.open() };
                }
                Err(error) => self.note(&error),
            }
        }
    }

    /// Takes what the kernel has queued, then closes the listener.
    ///
    /// The socket itself is asked until it has nothing more: what the runtime knows of its readiness
    /// may be older than the latest connection.
    pub(crate) fn close(self) -> Vec<Accepted> {
        let Ok(listener) = self.listener.into_std() else {
            return Vec::new();
        };
        let mut queued = Vec::new();
        // The kernel queues one more than the backlog. The bound keeps a flood of new connections
        // from holding the listener open.
        for _ in 0..=self.backlog {
            match listener.accept() {
                Ok((tcp, peer)) => {
                    let slot = Arc::clone(&self.slots).try_acquire_owned().ok();
                    match tcp.set_nonblocking(true).and_then(|()| TcpStream::from_std(tcp)) {
                        Ok(tcp) => {
                            queued.push(Accepted { tcp, peer, slot, open: self.stats.open() });
                        }
                        Err(_) => self.stats.accept_error(),
                    }
                }
                Err(error) if is_of_one_connection(&error) => self.stats.accept_error(),
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
