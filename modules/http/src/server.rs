//! The server as something that runs.

#[cfg(test)]
mod tests;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::Router;
use purlin::{
    async_trait,
    clock::Instant,
    error::{Context as _, Result},
    runnable::{RunCx, Runnable},
};
use purlin_serve::{Limits, Listener, Listening, Server, Tally};
use tokio::{sync::watch, task::yield_now};
use tokio_util::sync::CancellationToken;

use crate::stream::Drain;

/// What all instances of a server share: a restart goes on where the last one ended.
pub(crate) struct Site {
    /// Bound by the module and taken by the first instance. Later ones bind its address again: the
    /// socket of an instance that failed was closed with it, so that callers were refused rather
    /// than kept waiting in a queue that nobody empties.
    pub(crate) listener: Mutex<Option<Listener>>,
    pub(crate) address: SocketAddr,
    pub(crate) listening: Listening,
    pub(crate) service: Router,
    pub(crate) limits: Limits,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Arc<purlin_tls::ServerTls>>,
    pub(crate) drain: Duration,
    /// Tells the streams that the drain has begun.
    pub(crate) streams: Drain,
    pub(crate) tally: Arc<Tally>,
}

/// One instance of the server.
pub(crate) struct HttpServer {
    site: Arc<Site>,
    /// Set when draining is to begin.
    draining: watch::Sender<bool>,
    /// Set when `run` has ended.
    ended: CancellationToken,
    /// Cuts what is left.
    cut: CancellationToken,
}

/// How often the runtime has its turn before the requests are named that were cut.
const TURNS: usize = 100;

// === impl Site ===

impl Site {
    fn listener(&self) -> Result<Listener> {
        let first = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first {
            Some(listener) => Ok(listener),
            None => Listener::bind_with(self.address, &self.listening)
                .context("the server was to be started again"),
        }
    }

    /// Adds the routes of what was cut.
    fn name_routes(&self, report: String, was_cut: bool) -> String {
        match self.streams.unfinished().filter(|_| was_cut) {
            Some(routes) => format!("{report} ({routes})"),
            None => report,
        }
    }
}

// === impl HttpServer ===

impl HttpServer {
    pub(crate) fn new(site: Arc<Site>) -> Self {
        let (draining, _) = watch::channel(false);
        let (ended, cut) = (CancellationToken::new(), CancellationToken::new());
        Self { site, draining, ended, cut }
    }

    /// Waits until draining is to begin, and says until when it may take.
    async fn drain_until(&self, cx: &RunCx) -> Instant {
        let mut draining = self.draining.subscribe();
        tokio::select! {
            _ = draining.wait_for(|draining| *draining) => {}
            () = cx.stopping() => {}
        }
        let deadline = cx.clock().now() + self.site.drain;
        self.site.streams.begin_until(deadline);
        deadline
    }
}

#[async_trait]
impl Runnable for HttpServer {
    async fn run(&self, cx: RunCx) -> Result<()> {
        let _ended = self.ended.clone().drop_guard();
        let Site { service, limits, tally, .. } = &*self.site;
        let server = Server::new(self.site.listener()?, service.clone(), cx.clock().clone())
            .limits(limits.clone());
        #[cfg(feature = "tls")]
        let server = match &self.site.tls {
            Some(tls) => server.tls(tls.clone()),
            None => server,
        };
        tally.begin(server.stats());
        cx.ready();
        tokio::select! {
            report = server.run(self.drain_until(&cx)) => {
                let report = report?;
                cx.report(self.site.name_routes(report.to_string(), !report.is_clean()));
            }
            () = self.cut.cancelled() => {
                let report = format!("{} connections cut", self.site.tally.connections());
                // They were dropped with the server, and are gone as soon as the runtime gets to it.
                for _ in 0..TURNS {
                    if self.site.tally.connections() == 0 {
                        break;
                    }
                    yield_now().await;
                }
                cx.report(self.site.name_routes(report, true));
            }
        }
        // A WebSocket is not a task of the server's, and would outlive it.
        self.site.streams.end_all();
        Ok(())
    }

    async fn graceful_shutdown(&self) -> Result<()> {
        self.draining.send_replace(true);
        self.ended.cancelled().await;
        Ok(())
    }

    async fn shutdown(&self) -> Result<()> {
        // First, so that what is cut knows why.
        self.site.streams.end_all();
        self.cut.cancel();
        self.ended.cancelled().await;
        Ok(())
    }
}
