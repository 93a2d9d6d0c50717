use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use super::{Terms, frames::Frames, offer::Offer, tape::Tape};
use crate::Cut;

/// What a connection is doing, as told by its bytes and its requests.
///
/// In HTTP/1 one task drives a connection and all of its requests; in HTTP/2 each request has a task
/// of its own. No figure here decides about another, so nothing is ordered by these atomics.
pub(crate) struct Track {
    pub(crate) terms: Arc<Terms>,
    http2: AtomicBool,
    may_be_upgraded: AtomicBool,
    in_flight: AtomicUsize,
    requests: AtomicU64,
    /// In HTTP/2, those that are about a request.
    reads: AtomicU64,
    writes: AtomicU64,
    /// What is to go to the client waits for room.
    write_is_blocked: AtomicBool,
    /// HTTP/1: a piece of the answer was handed out, and no other has been asked for.
    offered: AtomicBool,
    in_head: AtomicBool,
    expired: AtomicBool,
    unread_body: AtomicBool,
    slow_body: AtomicBool,
    /// HTTP/2: frames that have come in full.
    frames: AtomicU64,
    /// Requests that their client gave up before they were answered, less those answered since.
    given_up: AtomicU64,
    /// HTTP/1: the head that is being read.
    tape: Mutex<Tape>,
}

/// The phases of a connection; a change of the number in them begins the phase anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Accepted, and not a byte has come; in HTTP/2, not the first frame.
    Fresh,
    /// Part of the head of this request has come.
    Head(u64),
    /// A request is in flight.
    Busy,
    /// So it is, and its answer waits for the client, after this many writes; HTTP/1 alone, where a
    /// connection has one answer at a time.
    Offered(u64),
    /// Between two requests, after this many reads and writes; the end of a response may still be
    /// on its way out.
    Idle(u64),
}

/// A request, from its head to the end of its response.
pub(crate) struct InFlight {
    track: Arc<Track>,
    answered: bool,
}

/// What the answer to a ping takes, and a few more bytes: a write that is larger is of a response.
const SMALL: usize = 64;

// === impl Track ===

impl Track {
    pub(super) fn new(terms: Arc<Terms>) -> Self {
        let tape = Mutex::new(Tape::new(terms.limits.max_header_bytes));
        Self {
            terms,
            http2: AtomicBool::new(false),
            may_be_upgraded: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            write_is_blocked: AtomicBool::new(false),
            offered: AtomicBool::new(false),
            in_head: AtomicBool::new(false),
            expired: AtomicBool::new(false),
            unread_body: AtomicBool::new(false),
            slow_body: AtomicBool::new(false),
            frames: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
            tape,
        }
    }

    pub(super) fn phase(&self) -> Phase {
        let requests = self.requests.load(Relaxed);
        if self.in_flight.load(Relaxed) > 0 {
            match self.offered.load(Relaxed) {
                true => Phase::Offered(self.writes.load(Relaxed)),
                false => Phase::Busy,
            }
        } else if self.in_head.load(Relaxed) {
            Phase::Head(requests)
        } else if requests == 0 && self.frames.load(Relaxed) == 0 {
            Phase::Fresh
        } else {
            Phase::Idle(self.reads.load(Relaxed) + self.writes.load(Relaxed))
        }
    }

    pub(super) fn is_http2(&self) -> bool {
        self.http2.load(Relaxed)
    }

    /// What was read was the preface of HTTP/2, and frames follow.
    pub(super) fn speaks_http2(&self) {
        self.http2.store(true, Relaxed);
        self.in_head.store(false, Relaxed);
    }

    /// Whether its bytes may get into other hands than those of its task.
    pub(super) fn may_be_upgraded(&self) -> bool {
        self.may_be_upgraded.load(Relaxed)
    }

    /// A request wants to upgrade the connection.
    pub(crate) fn offer_upgrade(&self) {
        self.may_be_upgraded.store(true, Relaxed);
    }

    /// Bytes of HTTP/1, or those that tell which HTTP it is, have come from the client.
    pub(super) fn read(&self, bytes: &[u8]) {
        self.reads.fetch_add(1, Relaxed);
        if self.in_flight.load(Relaxed) == 0 {
            self.in_head.store(true, Relaxed);
            self.tape().record(self.requests.load(Relaxed), bytes);
        }
    }

    /// Bytes of HTTP/2 have come from the client.
    pub(super) fn read_frames(&self, frames: &mut Frames, bytes: &[u8]) {
        if frames.read(bytes) {
            self.reads.fetch_add(1, Relaxed);
        }
        self.in_head.store(frames.in_head(), Relaxed);
        self.frames.store(frames.ended(), Relaxed);
    }

    /// Bytes have gone to the client.
    pub(super) fn wrote(&self, bytes: usize) {
        if bytes > SMALL || !self.is_http2() {
            self.writes.fetch_add(1, Relaxed);
        }
        if self.write_is_blocked() {
            self.write_is_blocked.store(false, Relaxed);
        }
    }

    /// There was no room for bytes that were to go to the client.
    pub(super) fn block_write(&self) {
        self.write_is_blocked.store(true, Relaxed);
    }

    pub(super) fn write_is_blocked(&self) -> bool {
        self.write_is_blocked.load(Relaxed)
    }

    /// Whether the client may be sending what nobody reads: a body, or a head that was refused.
    pub(super) fn leaves_unread(&self) -> bool {
        self.unread_body.load(Relaxed) || self.in_head.load(Relaxed)
    }

    /// How many requests the client has given up without waiting for their answers, beyond those
    /// that it has taken.
    pub(super) fn given_up(&self) -> u64 {
        self.given_up.load(Relaxed)
    }

    /// Lets the connection answer that a head took too long; false if it was told before.
    pub(super) fn expire(&self) -> bool {
        !self.is_http2() && !self.expired.swap(true, Relaxed)
    }

    pub(super) fn is_expired(&self) -> bool {
        self.expired.load(Relaxed)
    }

    pub(crate) fn leave_body_unread(&self) {
        self.unread_body.store(true, Relaxed);
    }

    /// A body took too long. The rest of it may still come, so that nothing can follow it.
    pub(crate) fn time_out_body(&self) {
        self.slow_body.store(true, Relaxed);
        self.terms.stats.bear_no_longer(Cut::SlowBody);
    }

    /// Whether the head that was read last, of HTTP/1, also declares the length of its body.
    pub(crate) fn declares_length(&self) -> bool {
        self.tape().has_field(self.requests.load(Relaxed), "content-length")
    }

    pub(crate) fn begin_request(self: &Arc<Self>) -> InFlight {
        self.terms.stats.begin_request();
        self.in_flight.fetch_add(1, Relaxed);
        self.requests.fetch_add(1, Relaxed);
        if !self.is_http2() {
            self.in_head.store(false, Relaxed);
            self.unread_body.store(false, Relaxed);
            self.offered.store(false, Relaxed);
        }
        InFlight { track: Arc::clone(self), answered: false }
    }

    fn tape(&self) -> std::sync::MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl InFlight ===

impl InFlight {
    /// Notes that the response has begun. Returns whether it is to be the connection's last.
    pub(crate) fn answer(&mut self) -> bool {
        self.answered = true;
        self.track.terms.stats.is_draining() || self.track.slow_body.load(Relaxed)
    }

    /// Notes whether hyper, which has just asked for a piece of the response, was handed one: it asks
    /// for the next when there is room for it, and until then waits for the client.
    pub(crate) fn offer(&self, handed_out: bool) {
        if self.track.is_http2() {
            Offer::note(handed_out);
        } else {
            self.track.offered.store(handed_out, Relaxed);
        }
    }

    pub(crate) fn is_http2(&self) -> bool {
        self.track.is_http2()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let track = &self.track;
        track.in_flight.fetch_sub(1, Relaxed);
        track.terms.stats.end_request(self.answered);
        if !self.answered {
            track.given_up.fetch_add(1, Relaxed);
        } else if track.given_up() > 0 {
            let _ = track.given_up.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1));
        }
    }
}
