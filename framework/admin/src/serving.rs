use std::{
    fmt,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::Router;
use futures_util::FutureExt as _;
use purlin_core::{
    clock::{Clock, Instant},
    error::{Context as _, Result},
    exit::Exit,
    init::Init,
};
use purlin_serve::{DrainReport, Limits, Listener, Server, Tally};
use tokio::{sync::oneshot, task::JoinHandle};

/// The server while it serves.
///
/// It is a task of its own and no runnable: it must answer before the first runnable is started
/// and after the last one has stopped.
pub(crate) struct Serving {
    clock: Clock,
    task: Mutex<Option<Task>>,
}

struct Task {
    stop: oneshot::Sender<Instant>,
    served: JoinHandle<std::io::Result<DrainReport>>,
}

/// What a scrape may still take once everything else has stopped.
const DRAIN: Duration = Duration::from_secs(1);

// === impl Serving ===

impl Serving {
    #[expect(
        clippy::disallowed_methods,
        reason = "the supervisor's tasks stop earlier; `stop` awaits this one"
    )]
    pub(crate) fn start(listener: Listener, router: Router, cx: &Init) -> Self {
        let (clock, shutdown) = (cx.clock().clone(), cx.shutdown().clone());
        let limits = limits();
        let tally = Arc::new(Tally::default());
        tally.observe(&cx.meter(), cx.section(), &limits);
        let server = Server::new(listener, router, clock.clone()).limits(limits);
        tally.begin(server.stats());
        let (stop, stopped) = oneshot::channel();
        let now = clock.clone();
        let serves = server.run(async move {
            // Without anybody left to stop it, nothing is waited for.
            stopped.await.unwrap_or_else(|_| now.now())
        });
        let served = tokio::spawn(async move {
            let ended = AssertUnwindSafe(serves).catch_unwind().await;
            // A service that nobody can look into is not kept: whoever probes it would end it later.
            // Once stopping has begun, this changes nothing.
            shutdown.request("the admin server ended", Exit::RUNNABLE_FAILED);
            ended.unwrap_or_else(|panic| resume_unwind(panic))
        });
        Self { clock, task: Mutex::new(Some(Task { stop, served })) }
    }

    /// Finishes what is being answered, and closes the port.
    pub(crate) async fn stop(&self) -> Result<()> {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Task { stop, served }) = task else { return Ok(()) };
        // The server may have ended by itself: then there is nothing to stop.
        let _ = stop.send(self.clock.now() + DRAIN);
        served
            .await
            .context("the admin server panicked")?
            .context("the admin server could not accept")?;
        Ok(())
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Serving")
    }
}

fn limits() -> Limits {
    Limits {
        max_connections: 256,
        max_body_bytes: 64 * 1024,
        // A scraper keeps its connection open; a stop does not wait for its next scrape.
        drain_grace: Duration::ZERO,
        ..Limits::default()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use purlin_core::{app::App, config::NoConfig, module::Module};
    use purlin_testing::TestApp;

    use super::*;

    /// A module whose server a test can take away.
    struct Taken(Arc<Mutex<Option<Serving>>>);

    impl Module for Taken {
        const NAME: &'static str = "taken";
        type Config = NoConfig;
        type Needs = ();
        type Gives = ();

        async fn init(&self, _: NoConfig, (): (), cx: &mut Init) -> Result<()> {
            let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into())?;
            *self.0.lock().unwrap() = Some(Serving::start(listener, Router::new(), cx));
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_service_whose_admin_server_has_ended_ends() {
        let serving = Arc::default();
        let app =
            App::builder().package(purlin_core::package!()).module(Taken(Arc::clone(&serving)));
        let app = TestApp::start(app).await;
        // Nobody is left to stop the server, so that it ends by itself.
        drop(serving.lock().unwrap().take());
        let stopped = Clock::system().timeout(Duration::from_secs(20), app.stopped()).await;
        let exit = stopped.expect("the service ends in time");
        assert_eq!((exit.code(), exit.reason()), (Exit::RUNNABLE_FAILED, "the admin server ended"));
    }
}
