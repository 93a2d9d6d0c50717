use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, SecondsFormat, Utc};
use rustls::{
    Error, InconsistentKeys,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    sign::CertifiedKey,
};
use x509_cert::{Certificate, der::Decode};

use crate::{TlsError, provider};

/// A certificate with those above it, and its key.
pub(crate) struct Identity {
    pub(crate) certified: Arc<CertifiedKey>,
    pub(crate) expires: SystemTime,
}

/// A file, as it was read.
#[derive(Clone, Copy)]
pub(crate) struct Pem<'a> {
    pub(crate) path: &'a Path,
    pub(crate) bytes: &'a [u8],
}

// === impl Identity ===

impl Identity {
    /// Checks that both are sound, belong together, and are valid now.
    pub(crate) fn new(cert: Pem<'_>, key: Pem<'_>, now: SystemTime) -> Result<Self, TlsError> {
        let chain = cert.certificates()?;
        let expires = check_validity(cert.path, &chain[0], now)?;
        let private = key.key()?;
        let unusable = |path: &Path, source| TlsError::Unusable { path: path.to_owned(), source };
        let private = provider().key_provider.load_private_key(private);
        let certified = CertifiedKey::new(chain, private.map_err(|e| unusable(key.path, e))?);
        match certified.keys_match() {
            // A key that cannot say to which certificate it belongs is believed.
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(Error::InconsistentKeys(_)) => {
                let (cert, key) = (cert.path.to_owned(), key.path.to_owned());
                return Err(TlsError::Mismatch { cert, key });
            }
            Err(source) => return Err(unusable(cert.path, source)),
        }
        Ok(Self { certified: Arc::new(certified), expires })
    }
}

/// When the certificate expires, if it is valid now.
fn check_validity(
    path: &Path,
    certificate: &CertificateDer<'_>,
    now: SystemTime,
) -> Result<SystemTime, TlsError> {
    let parsed = Certificate::from_der(certificate).map_err(|error| TlsError::Malformed {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let validity = parsed.tbs_certificate().validity();
    let (from, until) = (since_1970(validity.not_before), since_1970(validity.not_after));
    if (from..=until).contains(&now) {
        return Ok(until);
    }
    let (from, until, now) = (shown(from), shown(until), shown(now));
    Err(TlsError::NotValid { path: path.to_owned(), from, until, now })
}

fn since_1970(time: x509_cert::time::Time) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(time.to_unix_duration().as_secs())
}

pub(crate) fn shown(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Secs, true)
}

// === impl Pem ===

impl<'a> Pem<'a> {
    /// All certificates in it, at least one.
    pub(crate) fn certificates(self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let found = CertificateDer::pem_slice_iter(self.bytes).collect::<Result<Vec<_>, _>>();
        match found {
            Ok(found) if found.is_empty() => {
                Err(TlsError::NoCertificate { path: self.path.to_owned() })
            }
            Ok(found) => Ok(found),
            Err(error) => Err(self.malformed(&error)),
        }
    }

    fn key(self) -> Result<PrivateKeyDer<'static>, TlsError> {
        match PrivateKeyDer::from_pem_slice(self.bytes) {
            Ok(key) => Ok(key),
            Err(pem::Error::NoItemsFound) => Err(TlsError::NoKey { path: self.path.to_owned() }),
            Err(error) => Err(self.malformed(&error)),
        }
    }

    fn malformed(self, error: &pem::Error) -> TlsError {
        // Its `Debug` may show bytes of the file; what it displays does not.
        TlsError::Malformed { path: self.path.to_owned(), reason: error.to_string() }
    }
}
