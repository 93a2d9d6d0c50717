//! Certificates made by `rcgen`, in real files.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test by panicking")]

mod client;
mod files;
mod reload;
mod support;
