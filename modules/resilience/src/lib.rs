//! What stands between a service and an upstream that is slow, flaky or down: retries with a budget,
//! a circuit breaker, a bulkhead and timeouts.
//!
//! ```
//! # extern crate purlin_core as purlin;
//! use purlin::error::{Code, ServiceError};
//! use purlin_resilience::{Guard, GuardConfig};
//!
//! # #[derive(Debug, thiserror::Error, ServiceError)]
//! # enum PayError {
//! #     #[error("the bank does not answer")]
//! #     #[code(Unavailable)]
//! #     Down,
//! # }
//! # async fn charge(cents: u64) -> Result<u64, PayError> { Ok(cents) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let payments = Guard::builder("payments").config(&GuardConfig::default()).build();
//!
//! let receipt = payments.call(|| charge(1250)).await;
//! assert_eq!(receipt.unwrap(), 1250);
//! # }
//! ```
//! A client module embeds a [`GuardConfig`] in its section (`#[config(nested)]`) and hands the
//! builder its clock, entropy and meter. [`Breaker`], [`Bulkhead`], [`Retry`] and [`RetryBudget`]
//! work on their own as well, and with the feature `tower` a guard is a layer around any service.
//!
//! # Order
//! From the outside to the inside, each only where it is configured:
//!
//! 1. The **deadline** covers all that follows, the queue and the pauses included.
//! 2. The **bulkhead** bounds how many calls are under way. A call keeps its place while it pauses:
//!    what is bounded is what an upstream that is down can pile up here.
//! 3. The **retry** repeats what failed and may be repeated, as long as the budget has tokens.
//! 4. The **breaker** judges each attempt, not each call: it opens in the middle of the retries and
//!    ends them, and it probes with single attempts.
//! 5. The **timeout** bounds each attempt.
//!
//! This is the order in which [Microsoft's standard resilience handler][order] composes them, too.
//!
//! # What may be repeated
//! Nothing here knows whether an operation is safe to repeat. [`Guard::call`] repeats what its code
//! calls `Unavailable` and what ran into the timeout, so it is for operations that are idempotent;
//! [`Guard::once`] has the same protection without a repetition, and [`Guard::call_with`] asks a
//! function of yours for the [`Verdict`] on each outcome.
//!
//! # Cancellation
//! A call that is dropped at any point gives back its place in the bulkhead and its permit of the
//! breaker; a dropped probe counts neither for nor against the upstream.
//!
//! [order]: https://learn.microsoft.com/dotnet/core/resilience/http-resilience#standard-resilience-handler-defaults

extern crate purlin_core as purlin;

mod breaker;
mod budget;
mod builder;
mod bulkhead;
mod config;
mod error;
mod guard;
#[cfg(feature = "tower")]
mod layer;
pub mod metrics;
mod retry;
mod verdict;

#[cfg(feature = "tower")]
pub use self::layer::{GuardLayer, Guarded};
pub use self::{
    breaker::{Breaker, Permit, State},
    budget::RetryBudget,
    builder::GuardBuilder,
    bulkhead::{Bulkhead, Slot},
    config::{BreakerConfig, BudgetConfig, BulkheadConfig, GuardConfig, RetryConfig},
    error::{BreakerOpen, BulkheadFull, Error, Stop},
    guard::Guard,
    retry::Retry,
    verdict::{Outcome, Verdict, any_error, by_code},
};
