//! Rate limits, whatever the transport.
//!
//! A server asks a [`RateLimiter`] before it answers: may this caller, under this [`Quota`]?
//! [`LocalLimiter`] answers for one process, in memory. One that answers for all replicas of a
//! service is another implementation of the same trait, and no server has to change for it.
//!
//! ```
//! use purlin_core::clock::Clock;
//! use purlin_limit::{LocalLimiter, Quota, RateLimiter};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let limiter = LocalLimiter::new(Clock::system());
//! let quota = Quota::per_minute(60).burst(2);
//!
//! assert_eq!(limiter.check("ada", quota).await.unwrap().remaining, 1);
//! assert!(limiter.check("ada", quota).await.unwrap().is_allowed());
//! assert!(!limiter.check("ada", quota).await.unwrap().is_allowed());
//! assert!(limiter.check("ben", quota).await.unwrap().is_allowed());
//! # }
//! ```
//!
//! # Where to find what
//! - [`RateLimiter`], [`Quota`], [`Decision`]: what servers and limiters share;
//! - [`LocalLimiter`]: the one in memory;
//! - [`metrics`]: what is counted.

mod limiter;
mod local;
pub mod metrics;
mod quota;

pub use self::{
    limiter::{Decision, LimiterUnavailable, RateLimiter},
    local::LocalLimiter,
    quota::Quota,
};
