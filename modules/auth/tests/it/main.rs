//! Tokens, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

extern crate purlin_core as purlin;

mod issuer;
#[expect(dead_code, reason = "the tests of the server use all of it")]
#[path = "../../../../framework/serve/tests/it/attacks/load.rs"]
mod load;
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
