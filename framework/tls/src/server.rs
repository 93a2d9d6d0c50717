use std::{
    fmt, fs,
    mem::{self, Discriminant, discriminant},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::SystemTime,
};

use arc_swap::ArcSwap;
use purlin::clock::Clock;
use ring::digest::{self, SHA256};
use rustls::{
    ServerConfig,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::SingleCertAndKey,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    ServerTlsConfig, TlsError, authorities,
    identity::{Identity, Pem, shown},
    provider,
};

/// What a server shows and asks for, from files that may change.
///
/// The crate's page has an example.
pub struct ServerTls {
    sources: Sources,
    protocols: Vec<Vec<u8>>,
    clock: Clock,
    config: ServerTlsConfig,
    current: ArcSwap<Current>,
    /// What was wrong with which files, so that it is told once. They are built again at each look
    /// all the same: what is not valid yet will be.
    complaint: Mutex<Option<(Fingerprint, Discriminant<TlsError>)>>,
}

/// What became of looking at the files again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// They are what they were.
    Unchanged,
    /// New connections get what they hold now.
    Changed,
}

/// Where everything comes from.
#[derive(Clone)]
struct Sources {
    cert: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

/// The files, as they were at one moment.
struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

struct Current {
    server: Arc<ServerConfig>,
    expires: SystemTime,
    fingerprint: Fingerprint,
    /// The log has told that it expires soon.
    warned: AtomicBool,
}

type Fingerprint = [u8; 32];

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

// === impl ServerTls ===

impl ServerTls {
    /// Reads the files; `None` where neither a certificate nor a key is set.
    ///
    /// `protocols` are those that the server speaks, the preferred first, to be agreed on by ALPN.
    ///
    /// # Errors
    /// [`TlsError`] names the file and what to change.
    pub fn load(
        config: &ServerTlsConfig,
        protocols: &[&str],
        clock: Clock,
    ) -> Result<Option<Self>, TlsError> {
        let (cert, key) = match (&config.cert, &config.key) {
            (None, None) => return Ok(None),
            (Some(cert), Some(key)) => (cert.clone(), key.clone()),
            (Some(_), None) => return Err(TlsError::Half { set: "cert", unset: "key" }),
            (None, Some(_)) => return Err(TlsError::Half { set: "key", unset: "cert" }),
        };
        let sources = Sources { cert, key, client_ca: config.client_ca.clone() };
        let protocols: Vec<_> = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let contents = sources.read()?;
        let current = sources.build(&contents, config, &protocols, clock.system_now())?;
        let tls = Self {
            sources,
            protocols,
            clock,
            config: config.clone(),
            current: ArcSwap::from_pointee(current),
            complaint: Mutex::default(),
        };
        tls.warn_of_the_end();
        Ok(Some(tls))
    }

    /// Shakes hands with a client, by what the files held last.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.load().server))
    }

    /// When the certificate expires.
    pub fn expires(&self) -> SystemTime {
        self.current.load().expires
    }

    /// How often [`CertificateWatch`](crate::CertificateWatch) looks at the files.
    pub(crate) fn reload_every(&self) -> std::time::Duration {
        self.config.reload_every
    }

    /// Looks at the files, and takes them over if they are new and sound. It reads them on this
    /// thread, and warns in the log of a certificate that expires within
    /// [`warn_before`](ServerTlsConfig::warn_before), once.
    ///
    /// # Errors
    /// [`TlsError`], once for the same files and fault; what was used before is used on.
    pub fn reload(&self) -> Result<Reload, TlsError> {
        let outcome = self.take_over();
        self.warn_of_the_end();
        outcome
    }

    fn take_over(&self) -> Result<Reload, TlsError> {
        let contents = self.sources.read()?;
        let fingerprint = contents.fingerprint();
        let mut complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        if fingerprint == self.current.load().fingerprint {
            *complaint = None;
            return Ok(Reload::Unchanged);
        }
        let now = self.clock.system_now();
        match self.sources.build(&contents, &self.config, &self.protocols, now) {
            Ok(current) => {
                *complaint = None;
                self.current.store(Arc::new(current));
                Ok(Reload::Changed)
            }
            Err(error) => {
                let fault = Some((fingerprint, discriminant(&error)));
                if mem::replace(&mut *complaint, fault) == fault {
                    return Ok(Reload::Unchanged);
                }
                Err(error)
            }
        }
    }

    fn warn_of_the_end(&self) {
        let current = self.current.load();
        let left = current.expires.duration_since(self.clock.system_now()).unwrap_or_default();
        if left <= self.config.warn_before && !current.warned.swap(true, Relaxed) {
            let (cert, days) = (self.sources.cert.display(), left.as_secs() / (24 * 3600));
            let expires = shown(current.expires);
            tracing::warn!(%cert, expires, "the certificate expires in {days} days: renew it");
        }
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("cert", &self.sources.cert).finish_non_exhaustive()
    }
}

// === impl Sources ===

impl Sources {
    fn read(&self) -> Result<Contents, TlsError> {
        let client_ca = self.client_ca.as_deref().map(read).transpose()?;
        Ok(Contents { cert: read(&self.cert)?, key: read(&self.key)?, client_ca })
    }

    fn build(
        &self,
        contents: &Contents,
        config: &ServerTlsConfig,
        protocols: &[Vec<u8>],
        now: SystemTime,
    ) -> Result<Current, TlsError> {
        let cert = Pem { path: &self.cert, bytes: &contents.cert };
        let key = Pem { path: &self.key, bytes: &contents.key };
        let identity = Identity::new(cert, key, now)?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring has both versions");
        let builder = match (&self.client_ca, &contents.client_ca) {
            (Some(path), Some(bytes)) => {
                let verifier = clients(Pem { path, bytes }, config.client_required)?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let certified = SingleCertAndKey::from(identity.certified);
        let mut server = builder.with_cert_resolver(Arc::new(certified));
        server.alpn_protocols = protocols.to_vec();
        Ok(Current {
            server: Arc::new(server),
            expires: identity.expires,
            fingerprint: contents.fingerprint(),
            warned: AtomicBool::new(false),
        })
    }
}

fn clients(file: Pem<'_>, required: bool) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let roots = Arc::new(authorities::from_file(file)?);
    let builder = WebPkiClientVerifier::builder_with_provider(roots, provider());
    let builder = if required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|error| TlsError::Malformed {
        path: file.path.to_owned(),
        reason: error.to_string(),
    })
}

// === impl Contents ===

impl Contents {
    /// Tells whether anything has changed, without keeping a key.
    fn fingerprint(&self) -> Fingerprint {
        let mut context = digest::Context::new(&SHA256);
        for file in [Some(&self.cert), Some(&self.key), self.client_ca.as_ref()] {
            let bytes = file.map_or(&[][..], Vec::as_slice);
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        }
        context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}
