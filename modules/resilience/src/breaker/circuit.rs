//! The breaker as a pure state machine: time and chance come in from the outside.

use std::time::Duration;

use purlin::clock::Instant;

use super::window::{Counts, Window};

/// The state of a [`Breaker`](crate::Breaker).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Everything is let through, and failures are counted.
    Closed,
    /// A few probes are let through, to see whether the upstream works again.
    HalfOpen,
    /// Nothing is let through.
    Open,
}

/// What the machine goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) window: Duration,
    pub(super) failure_rate: f64,
    pub(super) min_calls: u32,
    /// 0 is any number.
    pub(super) consecutive: u32,
    pub(super) open_for: Duration,
    pub(super) probes: u32,
}

#[derive(Debug)]
pub(super) struct Circuit {
    limits: Limits,
    /// It rises with each change of state. What was admitted before a change says nothing about
    /// what came after it.
    generation: u64,
    phase: Phase,
}

/// One admission.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    generation: u64,
    round: u64,
}

#[derive(Debug)]
enum Phase {
    Closed { window: Window, consecutive: u32 },
    Open { until: Instant },
    HalfOpen(Probing),
}

/// Probes are admitted in rounds. A round in which no probe has been admitted for as long as the
/// breaker stays open is given up, so that probes that never return cannot hold back those that
/// would. Their results count all the same if they do come.
#[derive(Debug)]
struct Probing {
    round: u64,
    in_flight: u32,
    successes: u32,
    admitted: Instant,
}

// === impl Circuit ===

impl Circuit {
    pub(super) fn new(limits: Limits) -> Self {
        let phase = Phase::closed(&limits);
        Self { limits, generation: 0, phase }
    }

    pub(super) fn state(&self) -> State {
        match self.phase {
            Phase::Closed { .. } => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen(_) => State::HalfOpen,
        }
    }

    /// Lets an attempt through, or says when to ask again.
    pub(super) fn admit(&mut self, now: Instant) -> Result<Ticket, Duration> {
        if let Phase::Open { until } = self.phase {
            if now < until {
                return Err(until - now);
            }
            self.change(Phase::HalfOpen(Probing::new(now)));
        }
        let round = match &mut self.phase {
            Phase::HalfOpen(probing) => probing.admit(&self.limits, now)?,
            Phase::Closed { .. } | Phase::Open { .. } => 0,
        };
        Ok(Ticket { generation: self.generation, round })
    }

    /// An admitted attempt found the upstream well.
    pub(super) fn succeed(&mut self, ticket: Ticket, now: Instant) {
        if ticket.generation != self.generation {
            return;
        }
        match &mut self.phase {
            Phase::Closed { window, consecutive } => {
                window.record(now, false);
                *consecutive = 0;
            }
            Phase::HalfOpen(probing) => {
                probing.give_back(ticket);
                probing.successes += 1;
                if probing.successes >= self.limits.probes {
                    self.change(Phase::closed(&self.limits));
                }
            }
            Phase::Open { .. } => {}
        }
    }

    /// An admitted attempt found the upstream at fault. If that opens the breaker, it is so until
    /// `until`.
    pub(super) fn fail(&mut self, ticket: Ticket, now: Instant, until: Instant) {
        if ticket.generation != self.generation {
            return;
        }
        let opens = match &mut self.phase {
            Phase::Closed { window, consecutive } => {
                *consecutive = consecutive.saturating_add(1);
                self.limits.are_exceeded(window.record(now, true), *consecutive)
            }
            Phase::HalfOpen(_) => true,
            Phase::Open { .. } => false,
        };
        if opens {
            self.change(Phase::Open { until });
        }
    }

    /// An admitted attempt was dropped: it says nothing about the upstream.
    pub(super) fn give_back(&mut self, ticket: Ticket) {
        if let Phase::HalfOpen(probing) = &mut self.phase
            && ticket.generation == self.generation
        {
            probing.give_back(ticket);
        }
    }

    fn change(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation += 1;
    }
}

// === impl Phase ===

impl Phase {
    fn closed(limits: &Limits) -> Self {
        Self::Closed { window: Window::new(limits.window), consecutive: 0 }
    }
}

// === impl Probing ===

impl Probing {
    fn new(now: Instant) -> Self {
        Self { round: 0, in_flight: 0, successes: 0, admitted: now }
    }

    fn admit(&mut self, limits: &Limits, now: Instant) -> Result<u64, Duration> {
        if self.in_flight + self.successes >= limits.probes {
            let given_up = self.admitted + limits.open_for;
            if now < given_up {
                return Err(given_up - now);
            }
            self.round += 1;
            self.in_flight = 0;
        }
        self.in_flight += 1;
        self.admitted = now;
        Ok(self.round)
    }

    fn give_back(&mut self, ticket: Ticket) {
        if ticket.round == self.round {
            self.in_flight -= 1;
        }
    }
}

// === impl Limits ===

impl Limits {
    fn are_exceeded(&self, Counts { calls, failures }: Counts, consecutive: u32) -> bool {
        let rate = failures as f64 / calls as f64;
        let by_rate = calls >= u64::from(self.min_calls) && rate >= self.failure_rate;
        by_rate || (self.consecutive > 0 && consecutive >= self.consecutive)
    }
}
