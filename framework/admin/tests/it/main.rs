//! The admin server in an application, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod actions;
mod life;
mod profiles;
mod reading;
