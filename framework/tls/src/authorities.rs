use rustls::{RootCertStore, pki_types::CertificateDer};

use crate::{TlsError, identity::Pem};

/// The authorities that a file names.
pub(crate) fn from_file(file: Pem<'_>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in file.certificates()? {
        roots
            .add(certificate)
            .map_err(|source| TlsError::Unusable { path: file.path.to_owned(), source })?;
    }
    Ok(roots)
}

/// Those that this machine believes.
pub(crate) fn of_the_system() -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let reasons: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        let reason = if reasons.is_empty() { "none found".to_owned() } else { reasons.join("; ") };
        return Err(TlsError::NoSystemRoots { reason });
    }
    Ok(found.certs)
}
