//! The guard as a whole, on a held clock.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails its test by panicking")]
#![allow(clippy::print_stdout, reason = "the figures of a thousand flaps are its result")]

extern crate purlin_core as purlin;

mod flaps;
mod guard;
mod layer;
mod metrics;
mod support;
