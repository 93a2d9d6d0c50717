//! Telemetry in a process of its own, seen from outside.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and is told by variables what there is to test with"
)]

mod acts;
#[cfg(feature = "otlp")]
mod collector;
#[cfg(feature = "otlp")]
mod lost;
#[cfg(feature = "otlp")]
mod onward;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(feature = "otlp")]
mod prometheus;
mod promtool;
#[cfg(feature = "otlp")]
mod service;

use std::{env, path::PathBuf};

/// The binary of an example.
fn example(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let example = test.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(example.exists(), "`cargo build -p purlin-telemetry --examples` builds {example:?}");
    example
}
