use std::{sync::Arc, time::SystemTime};

use opentelemetry::metrics::Counter;
use purlin::{
    async_trait,
    error::Result,
    meter::{Meter, label},
    runnable::{RunCx, Runnable},
};
use tokio::task::spawn_blocking;

use crate::{
    Reload, ServerTls,
    metrics::{EXPIRY, RELOADS},
};

/// Keeps a [`ServerTls`] up to date with its files, every
/// [`reload_every`](crate::ServerTlsConfig::reload_every).
///
/// ```
/// # extern crate purlin_core as purlin;
/// # use std::sync::Arc;
/// # use purlin::{init::Init, runnable::Tier};
/// # use purlin_tls::{CertificateWatch, ServerTls};
/// # fn init(tls: Arc<ServerTls>, cx: &mut Init) {
/// CertificateWatch::observe(&tls, "http", &cx.meter());
/// let meter = cx.meter();
/// cx.run("http certificate", move || CertificateWatch::new(tls.clone(), "http", &meter))
///     .tier(Tier::WORKERS);
/// # }
/// ```
///
/// It looks at what the files hold and not at when they were changed, so that links are followed that
/// point elsewhere from one moment to the next, as those of a mounted secret do. Files that are being
/// written do no harm: what is not sound as a whole is refused, with a warning, and looked at again.
pub struct CertificateWatch {
    tls: Arc<ServerTls>,
    server: String,
    reloads: Counter<u64>,
}

// === impl CertificateWatch ===

impl CertificateWatch {
    /// For the server of this section.
    pub fn new(tls: Arc<ServerTls>, server: impl Into<String>, meter: &Meter) -> Self {
        Self { tls, server: server.into(), reloads: meter.counter(&RELOADS) }
    }

    /// Measures when the certificate expires; once for each server.
    pub fn observe(tls: &Arc<ServerTls>, server: impl Into<String>, meter: &Meter) {
        let (tls, server) = (Arc::clone(tls), server.into());
        meter.observe(&EXPIRY, move |observer| {
            let since = tls.expires().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            observer.observe(since.as_secs_f64(), &[label("server", server.clone())]);
        });
    }

    async fn turn(&self) -> Result<()> {
        let tls = Arc::clone(&self.tls);
        let outcome = match spawn_blocking(move || tls.reload()).await? {
            Ok(Reload::Unchanged) => return Ok(()),
            Ok(Reload::Changed) => {
                tracing::info!(server = self.server, "new connections get the new certificate");
                "changed"
            }
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::warn!(
                    server = self.server,
                    error,
                    "the new certificate is refused; the one before is still used"
                );
                "refused"
            }
        };
        let labels = [label("server", self.server.clone()), label("outcome", outcome)];
        self.reloads.add(1, &labels);
        Ok(())
    }
}

#[async_trait]
impl Runnable for CertificateWatch {
    async fn run(&self, cx: RunCx) -> Result<()> {
        let mut ticks = cx.interval(self.tls.reload_every());
        cx.ready();
        while ticks.next().await.is_some() {
            self.turn().await?;
        }
        Ok(())
    }
}
