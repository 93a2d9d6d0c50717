use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use crate::Stats;

/// What a connection is doing, as told by its bytes and its requests.
///
/// One task drives a connection, so nothing is ordered by these atomics; they let the connection
/// move between threads.
#[derive(Debug)]
pub(crate) struct Track {
    stats: Stats,
    in_flight: AtomicUsize,
    requests: AtomicU64,
    moves: AtomicU64,
    in_head: AtomicBool,
    unread_body: AtomicBool,
}

/// The phases of a connection; a change of the number in them begins the phase anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Accepted, and not a byte has come.
    Fresh,
    /// Part of the head of this request has come.
    Head(u64),
    /// A request is in flight.
    Busy,
    /// Between two requests, after this many reads and writes; the end of a response may still be
    /// on its way out.
    Idle(u64),
}

/// A request, from its head to the end of its response.
#[derive(Debug)]
pub(crate) struct InFlight {
    track: Arc<Track>,
    answered: bool,
}

// === impl Track ===

impl Track {
    pub(super) fn new(stats: Stats) -> Self {
        Self {
            stats,
            in_flight: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            moves: AtomicU64::new(0),
            in_head: AtomicBool::new(false),
            unread_body: AtomicBool::new(false),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        let requests = self.requests.load(Relaxed);
        if self.in_flight.load(Relaxed) > 0 {
            Phase::Busy
        } else if self.in_head.load(Relaxed) {
            Phase::Head(requests)
        } else if requests == 0 {
            Phase::Fresh
        } else {
            Phase::Idle(self.moves.load(Relaxed))
        }
    }

    /// Bytes have come from the client.
    pub(super) fn read(&self) {
        self.moves.fetch_add(1, Relaxed);
        if self.in_flight.load(Relaxed) == 0 {
            self.in_head.store(true, Relaxed);
        }
    }

    /// Bytes have gone to the client.
    pub(super) fn wrote(&self) {
        self.moves.fetch_add(1, Relaxed);
    }

    /// Whether the client may be sending what nobody reads: a body, or a head that was refused.
    pub(super) fn leaves_unread(&self) -> bool {
        self.unread_body.load(Relaxed) || self.in_head.load(Relaxed)
    }

    pub(crate) fn leave_body_unread(&self) {
        self.unread_body.store(true, Relaxed);
    }

    pub(crate) fn begin_request(self: &Arc<Self>) -> InFlight {
        self.stats.begin_request();
        self.in_flight.fetch_add(1, Relaxed);
        self.requests.fetch_add(1, Relaxed);
        self.in_head.store(false, Relaxed);
        self.unread_body.store(false, Relaxed);
        InFlight { track: Arc::clone(self), answered: false }
    }
}

// === impl InFlight ===

impl InFlight {
    /// Notes that the response has begun.
    pub(crate) fn answer(&mut self) -> &Stats {
        self.answered = true;
        &self.track.stats
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.track.in_flight.fetch_sub(1, Relaxed);
        self.track.stats.end_request(self.answered);
    }
}
