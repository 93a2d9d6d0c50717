//! What every implementation of an interface does.
//!
//! The author of a store calls one function in a test of the store, against the real thing. It
//! panics where the store does something else, and says what.

#[cfg(feature = "scheduler")]
mod job_store;
mod lease_store;
#[cfg(feature = "limit")]
mod rate_limiter;

#[cfg(feature = "scheduler")]
pub use self::job_store::job_store;
pub use self::lease_store::lease_store;
#[cfg(feature = "limit")]
pub use self::rate_limiter::rate_limiter;
