use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::pin,
    task::{Context, Poll, ready},
};

use purlin_core::clock::{Clock, Instant};

use super::Terms;
use crate::{Cut, alarm::Alarm};

tokio::task_local! {
    /// That of the request whose task is polled: hyper asks for its response there and nowhere else.
    static OFFER: Offer;
}

/// What the client of an HTTP/2 request is to take of the response.
#[derive(Default)]
pub(super) struct Offer {
    /// How often a piece was asked for; the number of the last one.
    pieces: Cell<u64>,
    /// There was one, and it waits for the client.
    open: Cell<bool>,
}

/// A piece that is not taken at once; apart, since most are.
struct Waiting {
    piece: u64,
    since: Instant,
    alarm: Alarm,
}

/// Drives a request of HTTP/2 to its end, or until its client has taken nothing of the response for
/// [`Limits::body_write_timeout`](crate::Limits::body_write_timeout): then dropping it resets it.
pub(super) async fn taken<F: Future<Output = ()>>(request: F, terms: &Terms) {
    let mut request = pin!(request);
    let mut waiting: Option<Box<Waiting>> = None;
    let taken = poll_fn(|cx| {
        if request.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let Some(piece) = OFFER.with(Offer::piece) else {
            return Poll::Pending;
        };
        let waiting = waiting.get_or_insert_with(|| Box::new(Waiting::new(terms.clock.clone())));
        waiting.poll(cx, piece, terms)
    });
    OFFER.scope(Offer::default(), taken).await;
}

// === impl Offer ===

impl Offer {
    /// Notes that the next piece was asked for, and whether there was one.
    pub(super) fn note(handed_out: bool) {
        OFFER.with(|offer| {
            offer.pieces.update(|pieces| pieces + 1);
            offer.open.set(handed_out);
        });
    }

    /// The number of the piece that waits for the client.
    fn piece(&self) -> Option<u64> {
        self.open.get().then(|| self.pieces.get())
    }
}

// === impl Waiting ===

impl Waiting {
    fn new(clock: Clock) -> Self {
        Self { piece: 0, since: Instant::START, alarm: Alarm::new(clock) }
    }

    fn poll(&mut self, cx: &mut Context<'_>, piece: u64, terms: &Terms) -> Poll<()> {
        let now = terms.clock.now();
        if self.piece != piece {
            (self.piece, self.since) = (piece, now);
        }
        ready!(self.alarm.poll(cx, now, self.since + terms.limits.body_write_timeout));
        terms.stats.bear_no_longer(Cut::SlowRead);
        Poll::Ready(())
    }
}
