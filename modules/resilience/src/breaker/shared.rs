//! The breaker's machine, shared between threads. The model test compiles this file with loom's
//! primitives in place of the standard library's.

use std::sync::PoisonError;

use purlin::clock::Instant;

use super::{
    circuit::{Circuit, Limits, State, Ticket},
    sync::{Arc, Mutex, MutexGuard},
};

#[derive(Debug)]
pub(super) struct Shared(Mutex<Circuit>);

/// An admission, which is given back on drop unless its outcome was told.
#[derive(Debug)]
pub(super) struct Admission {
    shared: Arc<Shared>,
    ticket: Option<Ticket>,
}

/// The state that an operation has led to, if it has led to another one.
pub(super) type Change = Option<State>;

// === impl Shared ===

impl Shared {
    pub(super) fn new(limits: Limits) -> Self {
        Self(Mutex::new(Circuit::new(limits)))
    }

    pub(super) fn state(&self) -> State {
        self.lock().state()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Circuit) -> T) -> (T, Change) {
        let mut circuit = self.lock();
        let before = circuit.state();
        let result = work(&mut circuit);
        let after = circuit.state();
        (result, (before != after).then_some(after))
    }

    fn lock(&self) -> MutexGuard<'_, Circuit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Admission ===

impl Admission {
    /// Asks for one; otherwise it says when to ask again.
    pub(super) fn ask(
        shared: &Arc<Shared>,
        now: Instant,
    ) -> (Result<Self, std::time::Duration>, Change) {
        let (ticket, change) = shared.with(|circuit| circuit.admit(now));
        (ticket.map(|ticket| Self { shared: shared.clone(), ticket: Some(ticket) }), change)
    }

    pub(super) fn succeed(mut self, now: Instant) -> Change {
        let ticket = self.ticket.take()?;
        self.shared.with(|circuit| circuit.succeed(ticket, now)).1
    }

    pub(super) fn fail(mut self, now: Instant, until: Instant) -> Change {
        let ticket = self.ticket.take()?;
        self.shared.with(|circuit| circuit.fail(ticket, now, until)).1
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.lock().give_back(ticket);
        }
    }
}
