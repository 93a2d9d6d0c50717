//! Against real databases, in directories that are thrown away.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and prints its figures"
)]

extern crate purlin_core as purlin;

mod cancel;
mod durability;
mod metrics;
mod migrations;
mod module;
mod opening;
mod routing;
mod sharing;
mod support;
mod transactions;
