//! TLS for the server: its certificate, and what keeps it up to date.

use std::sync::Arc;

use purlin::{
    error::{Context as _, Result},
    init::Init,
};
use purlin_tls::{CertificateWatch, ServerTls};

use crate::HttpConfig;

/// Reads what `http.tls` names; `None` where it is off.
pub(crate) fn offer(config: &HttpConfig, cx: &mut Init) -> Result<Option<Arc<ServerTls>>> {
    let protocols: &[&str] = match config.http2.enabled {
        true => &["h2", "http/1.1"],
        false => &["http/1.1"],
    };
    let section = cx.section().to_owned();
    let tls = ServerTls::load(&config.tls, protocols, cx.clock().clone())
        .with_context(|| format!("cannot offer TLS as `{section}.tls` says"))?;
    let Some(tls) = tls.map(Arc::new) else {
        return Ok(None);
    };
    let (meter, watched) = (cx.meter(), tls.clone());
    CertificateWatch::observe(&tls, section.clone(), &meter);
    cx.run(format!("{section} certificate"), move || {
        CertificateWatch::new(watched.clone(), section.clone(), &meter)
    });
    Ok(Some(tls))
}
