use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};

/// The cryptography of all TLS here: ring.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Makes ring the provider of those who ask rustls for the process's default, and does nothing where
/// there is one already.
///
/// Servers and clients of ours hand [`provider`] to rustls themselves. Clients of others that were
/// built without a provider panic at their first connection unless this was called.
pub fn install_provider() {
    let _ = ring::default_provider().install_default();
}
