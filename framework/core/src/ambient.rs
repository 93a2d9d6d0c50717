//! In work: what a spawned task must not inherit silently.

use std::future::Future;

/// Runs `future` as a task of its own.
pub(crate) fn carry<F: Future>(future: F) -> F {
    future
}
