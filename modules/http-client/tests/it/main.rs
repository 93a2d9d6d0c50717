//! The client against servers that answer, refuse, stall and break.

extern crate purlin_core as purlin;

mod breaking;
mod calls;
mod metrics;
mod module;
mod onward;
mod repeating;
mod spans;
mod support;
mod timeouts;
#[cfg(feature = "tls")]
mod tls;
