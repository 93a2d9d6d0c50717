use std::{
    fs,
    future::Future,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use purlin_core::clock::Clock;
use purlin_tls::{
    ClientTlsConfig, ServerTls, ServerTlsConfig, TlsError, client_config,
    tokio_rustls::{TlsConnector, client, rustls::pki_types::ServerName, server},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tokio::io::DuplexStream;

/// An authority, and a directory for what it signs.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    clock: Clock,
    pub(crate) dir: TempDir,
}

/// Which days a certificate is valid on, counted from now by the clock of its authority.
pub(crate) type Days = (i64, i64);

// === impl Authority ===

impl Authority {
    /// It has written itself to `ca.pem`; its clock is the machine's, as is that of clients.
    pub(crate) fn new() -> Self {
        Self::by(Clock::system())
    }

    pub(crate) fn by(clock: Clock) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = Self { issuer, clock, dir: TempDir::new().unwrap() };
        fs::write(authority.path("ca.pem"), authority.issuer.pem()).unwrap();
        authority
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A certificate for `localhost` and its key, in PEM form.
    pub(crate) fn sign(&self, days: Days) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = self.certificate_params(days).signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// Signs into `<name>.crt` and `<name>.key`.
    pub(crate) fn write(&self, name: &str, days: Days) -> (PathBuf, PathBuf) {
        let (certificate, key) = self.sign(days);
        let paths = (self.path(&format!("{name}.crt")), self.path(&format!("{name}.key")));
        fs::write(&paths.0, certificate).unwrap();
        fs::write(&paths.1, key).unwrap();
        paths
    }

    fn certificate_params(&self, (from, until): Days) -> CertificateParams {
        let now = self.clock.system_now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let day = |days: i64| {
            let seconds = now.as_secs().checked_add_signed(days * 24 * 3600).unwrap();
            date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
        };
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = day(from);
        params.not_after = day(until);
        params
    }

    pub(crate) fn server_config(&self, days: Days) -> ServerTlsConfig {
        let (cert, key) = self.write("server", days);
        ServerTlsConfig { cert: Some(cert), key: Some(key), ..ServerTlsConfig::default() }
    }

    /// A client's configuration that believes this authority alone.
    pub(crate) fn client_config(&self) -> ClientTlsConfig {
        let ca = Some(self.path("ca.pem"));
        ClientTlsConfig { system_roots: false, ca, ..ClientTlsConfig::default() }
    }
}

/// Loads what is on.
pub(crate) fn load(config: &ServerTlsConfig) -> Result<ServerTls, TlsError> {
    let tls = ServerTls::load(config, &["h2", "http/1.1"], Clock::system())?;
    Ok(tls.expect("a certificate is set"))
}

/// Shakes hands over a pipe, and returns both ends.
pub(crate) async fn shake(
    tls: &ServerTls,
    client: &ClientTlsConfig,
) -> (
    std::io::Result<server::TlsStream<DuplexStream>>,
    std::io::Result<client::TlsStream<DuplexStream>>,
) {
    let mut client = client_config(client, Clock::system().system_now()).unwrap();
    client.alpn_protocols = vec![b"http/1.1".to_vec()];
    let (near, far) = tokio::io::duplex(64 * 1024);
    let connector = TlsConnector::from(Arc::new(client));
    let name = ServerName::try_from("localhost").unwrap();
    within(async { tokio::join!(tls.acceptor().accept(near), connector.connect(name, far)) }).await
}

/// The certificate that a client gets to see.
pub(crate) async fn shown(tls: &ServerTls, client: &ClientTlsConfig) -> Vec<u8> {
    let (near, far) = shake(tls, client).await;
    near.unwrap();
    far.unwrap().get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    Clock::system().timeout(Duration::from_secs(20), future).await.expect("it ends in time")
}
