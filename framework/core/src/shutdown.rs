//! Asking the application to stop.

use std::fmt;

use tokio::sync::mpsc::UnboundedSender;

use crate::{exit::Exit, needs::Handle};

/// Stops the application from anywhere inside of it.
///
/// ```
/// # use purlin_core::shutdown::ShutdownHandle;
/// # fn example(shutdown: ShutdownHandle) {
/// shutdown.request("the licence has expired", 3);
/// # }
/// ```
///
/// The stop is the same as after a signal: readiness off, drain, tier by tier. It is a built-in
/// need. Once stopping has begun a request changes nothing.
#[derive(Clone)]
pub struct ShutdownHandle(UnboundedSender<Exit>);

// === impl ShutdownHandle ===

impl ShutdownHandle {
    pub(crate) fn new(requests: UnboundedSender<Exit>) -> Self {
        Self(requests)
    }

    /// Asks for a stop that ends with exit code `code`, for a `reason` that the report shows.
    pub fn request(&self, reason: impl Into<String>, code: u8) {
        // An application that is gone has stopped already.
        let _ = self.0.send(Exit::new(code, reason));
    }
}

impl Handle for ShutdownHandle {}

impl fmt::Debug for ShutdownHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShutdownHandle")
    }
}
