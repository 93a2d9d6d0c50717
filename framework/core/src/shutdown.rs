//! Asking the application to stop.

mod hook;

use std::{fmt, future::Future};

use tokio::sync::mpsc::UnboundedSender;

pub(crate) use self::hook::spec as hook_spec;
use crate::{
    exit::Exit,
    needs::Handle,
    runnable::{RunSpec, Tier},
    undo::Outcome,
};

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
pub struct ShutdownHandle(UnboundedSender<Request>);

/// What the rest of the application asks of the engine.
#[derive(Debug)]
pub(crate) enum Request {
    Stop(Exit),
    OnStop(RunSpec),
}

// === impl ShutdownHandle ===

impl ShutdownHandle {
    pub(crate) fn new(requests: UnboundedSender<Request>) -> Self {
        Self(requests)
    }

    /// Asks for a stop that ends with exit code `code`, for a `reason` that the report shows.
    pub fn request(&self, reason: impl Into<String>, code: u8) {
        // An application that is gone has stopped already.
        let _ = self.0.send(Request::Stop(Exit::new(code, reason)));
    }

    /// Calls `hook` at stop, in its tier: the smaller the tier, the earlier.
    ///
    /// A hook that is registered once stopping has begun is not called, and neither is one of a start
    /// that failed before anything ran: what an `init` acquired is given back by
    /// [`Init::undo`](crate::init::Init::undo).
    pub fn on_stop<F, O>(
        &self,
        name: impl Into<String>,
        tier: Tier,
        hook: impl Fn() -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = O> + Send + 'static,
        O: Outcome,
    {
        let _ = self.0.send(Request::OnStop(hook::spec(name, tier, hook)));
    }
}

impl Handle for ShutdownHandle {}

impl fmt::Debug for ShutdownHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShutdownHandle")
    }
}
