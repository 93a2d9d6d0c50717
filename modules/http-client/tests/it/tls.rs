//! Upstreams that speak TLS.

#![expect(clippy::unwrap_used, reason = "a fixture of tests fails by panicking")]

use std::{fs, net::SocketAddr, path::PathBuf};

use purlin::{clock::Clock, error::ServiceError as _};
use purlin_http_client::HttpClient;
use purlin_testing::{MockServer, Reply, When};
use purlin_tls::{ClientTlsConfig, ServerTls, ServerTlsConfig};
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::support::config;

/// TLS in front of a server that has none.
struct Terminator {
    address: SocketAddr,
    files: TempDir,
    _connections: JoinSet<()>,
}

// === impl Terminator ===

impl Terminator {
    async fn start(server: SocketAddr) -> Self {
        let files = TempDir::new().unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = certificate.self_signed(&key).unwrap();
        let (cert_path, key_path) = (files.path().join("tls.crt"), files.path().join("tls.key"));
        fs::write(&cert_path, certificate.pem()).unwrap();
        fs::write(&key_path, key.serialize_pem()).unwrap();
        let config = ServerTlsConfig {
            cert: Some(cert_path),
            key: Some(key_path),
            ..ServerTlsConfig::default()
        };
        let tls = ServerTls::load(&config, &["http/1.1"], Clock::system()).unwrap().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut connections = JoinSet::new();
        connections.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = tls.acceptor();
                connections.spawn(async move {
                    // A client that does not believe us is what a test looks at on its side.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut upstream = TcpStream::connect(server).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut upstream).await;
                });
            }
        });
        Self { address, files, _connections: connections }
    }

    fn client(&self, ca: Option<PathBuf>) -> Result<HttpClient, String> {
        let mut config = config(&format!("https://localhost:{}", self.address.port()));
        config.tls = ClientTlsConfig { system_roots: false, ca, ..ClientTlsConfig::default() };
        let client = HttpClient::builder("bank").build(&config);
        client.map_err(|error| format!("{:#}", purlin::error::Error::from(error)))
    }
}

#[tokio::test]
async fn who_is_believed_is_called() {
    let bank = MockServer::start();
    bank.mock(When::get("/rates"), Reply::ok(&json!(7))).times(1);
    let tls = Terminator::start(bank.address()).await;
    let client = tls.client(Some(tls.files.path().join("tls.crt"))).unwrap();
    assert_eq!(client.get("/rates").fetch::<u64>().await.unwrap(), 7);
}

#[tokio::test]
async fn who_is_not_believed_is_sent_nothing() {
    let bank = MockServer::start();
    let tls = Terminator::start(bank.address()).await;
    let other = Terminator::start(bank.address()).await;
    let client = tls.client(Some(other.files.path().join("tls.crt"))).unwrap();
    let error = client.get("/rates").send().await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("the connection could not be made: invalid peer certificate"), "{text}");
    assert_eq!(error.code(), purlin::error::Code::Unavailable);
    assert_eq!(bank.received().len(), 0);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_found_at_start() {
    let tls = Terminator::start("127.0.0.1:9".parse().unwrap()).await;
    let error = tls.client(Some("/nowhere/ca.pem".into())).unwrap_err();
    assert!(error.contains("/nowhere/ca.pem"), "{error}");
}
