use std::{path::Path, sync::Arc, time::SystemTime};

use rustls::{ClientConfig, RootCertStore, client::ResolvesClientCert, sign::SingleCertAndKey};

use crate::{
    ClientTlsConfig, TlsError, authorities,
    identity::{Identity, Pem},
    provider,
    server::read,
};

/// What a client of TLS believes and shows, for any that takes rustls's configuration.
///
/// `now` is the time by which the client's own certificate has to be valid: what
/// [`Clock::system_now`](purlin::clock::Clock::system_now) says. No protocol is agreed on by ALPN:
/// who uses it sets `alpn_protocols`.
///
/// ```no_run
/// # use purlin_core::clock::Clock;
/// # use purlin_tls::{ClientTlsConfig, TlsError, client_config};
/// # fn main() -> Result<(), TlsError> {
/// let config = ClientTlsConfig { ca: Some("/etc/tls/ca.crt".into()), ..Default::default() };
/// let tls = client_config(&config, Clock::system().system_now())?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`TlsError`] names the file and what to change.
pub fn client_config(config: &ClientTlsConfig, now: SystemTime) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    if config.system_roots {
        // A machine's store may hold what rustls does not take, beside what it does.
        roots.add_parsable_certificates(authorities::of_the_system()?);
    }
    if let Some(path) = &config.ca {
        roots.extend(authorities::from_file(Pem { path, bytes: &read(path)? })?.roots);
    }
    if roots.is_empty() {
        return Err(TlsError::NoRoots);
    }
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has both versions")
        .with_root_certificates(roots);
    Ok(match (&config.cert, &config.key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(cert), Some(key)) => builder.with_client_cert_resolver(shown(cert, key, now)?),
        (Some(_), None) => return Err(TlsError::Half { set: "cert", unset: "key" }),
        (None, Some(_)) => return Err(TlsError::Half { set: "key", unset: "cert" }),
    })
}

fn shown(
    cert: &Path,
    key: &Path,
    now: SystemTime,
) -> Result<Arc<dyn ResolvesClientCert>, TlsError> {
    let (cert_bytes, key_bytes) = (read(cert)?, read(key)?);
    let cert = Pem { path: cert, bytes: &cert_bytes };
    let key = Pem { path: key, bytes: &key_bytes };
    let certified = Identity::new(cert, key, now)?.certified;
    Ok(Arc::new(SingleCertAndKey::from(certified)))
}
