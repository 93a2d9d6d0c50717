//! Tokens, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

extern crate purlin_core as purlin;

mod issuer;
mod log;
mod service;
mod signer;
#[cfg(feature = "tls")]
mod tls;

mod algorithms;
mod fetching;
mod forgeries;
mod random;
mod rotation;
mod setup;
mod test_kit;
