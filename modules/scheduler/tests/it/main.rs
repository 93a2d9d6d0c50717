//! Jobs in whole applications, on a clock that stands still until a test moves it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and prints its figures"
)]

extern crate purlin_core as purlin;

mod building;
mod calendar;
mod leading;
mod missing;
mod observing;
mod page;
mod policies;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stopping;
mod store;
mod support;
mod unanswered;
