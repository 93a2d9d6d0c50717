//! The service over real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

extern crate purlin_core as purlin;

mod support;

mod app;
mod auth;
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
