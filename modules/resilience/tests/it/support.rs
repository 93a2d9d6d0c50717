use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use purlin::{
    clock::{Clock, Hand},
    entropy::Entropy,
    error::{Code, ServiceError},
};
use purlin_resilience::{
    BreakerConfig, BudgetConfig, BulkheadConfig, Guard, GuardBuilder, RetryConfig,
};

/// The error of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the upstream says {}", .0.name())]
pub(crate) struct Upstream(pub(crate) Code);

pub(crate) const DOWN: Upstream = Upstream(Code::Unavailable);

impl ServiceError for Upstream {
    fn code(&self) -> Code {
        self.0
    }
}

/// A guard without parts, and the hand of its clock.
pub(crate) fn guard(name: &'static str) -> (GuardBuilder, Clock, Hand) {
    let (clock, hand) = Clock::held();
    let builder = Guard::builder(name).clock(clock.clone()).entropy(Entropy::seeded(7));
    (builder, clock, hand)
}

/// Pauses of 100, 200, 400 … ms, and no budget.
pub(crate) fn retry(attempts: u32) -> RetryConfig {
    let budget = BudgetConfig { enabled: false, ..BudgetConfig::default() };
    RetryConfig { attempts, jitter: 0.0, budget, ..RetryConfig::default() }
}

/// Opens after two failures in a row, for a second; one probe.
pub(crate) fn breaker() -> BreakerConfig {
    BreakerConfig {
        consecutive_failures: 2,
        open_for: Duration::from_secs(1),
        jitter: 0.0,
        probes: 1,
        ..BreakerConfig::default()
    }
}

pub(crate) fn bulkhead(max_concurrent: u32, max_waiting: u32) -> BulkheadConfig {
    let wait = Duration::from_secs(1);
    BulkheadConfig { enabled: true, max_concurrent, max_waiting, wait }
}

/// Polls `future`, and moves the clock to the next deadline whenever it waits.
pub(crate) fn run<F: Future>(hand: &Hand, future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => return output,
            Poll::Pending => drop(hand.advance_to_next().expect("it waits for time alone")),
        }
    }
}

/// Returns these outcomes, one for each attempt, and counts them.
pub(crate) struct Script<'a, T> {
    outcomes: &'a [Result<T, Upstream>],
    pub(crate) attempts: Cell<u32>,
}

impl<'a, T: Copy> Script<'a, T> {
    pub(crate) fn new(outcomes: &'a [Result<T, Upstream>]) -> Self {
        Self { outcomes, attempts: Cell::new(0) }
    }

    pub(crate) async fn call(&self) -> Result<T, Upstream> {
        let attempt = self.attempts.get();
        self.attempts.set(attempt + 1);
        self.outcomes[attempt as usize]
    }
}
