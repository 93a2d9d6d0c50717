//! The server on real sockets.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test by panicking")]

mod frames;
mod support;
mod taking;

mod attacks;
mod descriptors;
mod drain;
mod http2;
mod limits;
mod listener;
mod readiness;
#[cfg(feature = "tls")]
mod tls;
mod upgrade;
