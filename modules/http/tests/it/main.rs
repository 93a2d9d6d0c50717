//! The service over real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

extern crate purlin_core as purlin;

#[expect(dead_code, reason = "the tests of the server use all of it")]
#[path = "../../../../framework/serve/tests/it/attacks/load.rs"]
mod load;
mod support;

mod app;
mod auth;
mod bombs;
mod compression;
mod cors;
mod csrf;
mod errors;
mod extract;
mod layers;
mod metrics;
mod openapi;
mod paths;
mod rate_limit;
mod routes;
mod slow_body;
mod stream;
#[cfg(feature = "tls")]
mod tls;
