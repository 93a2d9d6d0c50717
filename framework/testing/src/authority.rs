use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

/// A certificate authority that nobody knows: its certificates are good for those who are told to
/// believe it, until it is dropped.
///
/// ```
/// use purlin_testing::{Authority, MockServer};
///
/// let authority = Authority::new();
/// let bank = MockServer::start_tls(&authority);
/// assert!(bank.url().starts_with("https://localhost:"));
/// let believed = authority.ca().display().to_string();      // for `http_client.tls.ca`
/// let shown = authority.issue(&["orders.internal"]);        // for `http.tls.cert` and `http.tls.key`
/// # assert!(shown.cert.exists() && authority.ca().exists() && believed.ends_with("ca.crt"));
/// ```
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    files: TempDir,
    issued: AtomicU32,
}

/// A certificate of an [`Authority`], as files in PEM form, which are gone with it.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

// === impl Authority ===

impl Authority {
    /// An authority with a key of its own.
    ///
    /// # Panics
    /// When this machine gives no directory for its files.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key can be made");
        // Two of one name could not be told apart by whoever believes one of them.
        let name: String = key.public_key_raw()[1..5].iter().map(|b| format!("{b:02x}")).collect();
        params.distinguished_name.push(DnType::CommonName, format!("authority {name} of a test"));
        let issuer = CertifiedIssuer::self_signed(params, key).expect("it can sign itself");
        let files = TempDir::new().expect("a throw-away directory can be made");
        write(&files.path().join(CA), &issuer.pem());
        Self { issuer, files, issued: AtomicU32::new(0) }
    }

    /// Its own certificate, which a client has to believe: a file in PEM form.
    pub fn ca(&self) -> PathBuf {
        self.files.path().join(CA)
    }

    /// A certificate for these names and addresses, for a server or a client.
    ///
    /// # Panics
    /// When one of them is neither a name nor an address.
    pub fn issue(&self, names: &[&str]) -> Issued {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let params = CertificateParams::new(names).expect("names and addresses");
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, &self.issuer).expect("it can sign");
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let file = |kind| self.files.path().join(format!("{number}.{kind}"));
        let issued = Issued { cert: file("crt"), key: file("key") };
        write(&issued.cert, &certificate.pem());
        write(&issued.key, &key.serialize_pem());
        issued
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("ca", &self.ca()).finish_non_exhaustive()
    }
}

const CA: &str = "ca.crt";

fn write(path: &Path, pem: &str) {
    fs::write(path, pem).expect("a throw-away file can be written");
}
