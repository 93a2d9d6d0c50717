//! `http.tls`, in an application.

use std::{fs, sync::Arc, time::Duration};

use axum::Extension;
use purlin::{app::App, clock::Clock};
use purlin_http::{
    HttpModule,
    routes::{Routes, get},
};
use purlin_serve::OverTls;
use purlin_tls::{
    ClientTlsConfig, client_config,
    tokio_rustls::{TlsConnector, rustls::pki_types::ServerName},
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

fn renew(dir: &TempDir) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(dir.path().join("tls.crt"), cert.pem()).unwrap();
    fs::write(dir.path().join("tls.key"), signing_key.serialize_pem()).unwrap();
}

fn app(dir: &TempDir) -> purlin::app::AppBuilder {
    let path = |name| dir.path().join(name).display().to_string();
    App::builder()
        .module(HttpModule::new(|| Routes::<()>::new().public("/", get(secret))))
        .set("lifecycle.drain_delay", "0s")
        .set("http.listen", "127.0.0.1:0")
        .set("http.tls.cert", path("tls.crt"))
        .set("http.tls.key", path("tls.key"))
        .set("http.tls.reload_every", "10ms")
}

async fn secret(over_tls: Option<Extension<OverTls>>) -> &'static str {
    if over_tls.is_some() { "secret" } else { "overheard" }
}

/// Asks for `/` as somebody who believes in what the file holds now.
async fn ask(address: std::net::SocketAddr, dir: &TempDir) -> std::io::Result<String> {
    let ca = Some(dir.path().join("tls.crt"));
    let config = ClientTlsConfig { system_roots: false, ca, ..ClientTlsConfig::default() };
    let config = client_config(&config, Clock::system().system_now()).unwrap();
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_certificate_is_renewed_while_the_service_runs() {
    let dir = TempDir::new().unwrap();
    renew(&dir);
    let running = app(&dir).start().await.unwrap();
    let address = running.address("http").unwrap();
    assert!(ask(address, &dir).await.unwrap().ends_with("\r\n\r\nsecret"));
    renew(&dir);
    let reloaded = async {
        while ask(address, &dir).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    Clock::system().timeout(Duration::from_secs(20), reloaded).await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn a_start_without_its_certificate_says_which_file_is_missing() {
    let dir = TempDir::new().unwrap();
    let error = app(&dir).start().await.map(|_| ()).unwrap_err();
    let error = format!("{:#}", anyhow_chain(&error));
    assert!(error.contains("cannot offer TLS as `http.tls` says"), "{error}");
    assert!(error.contains(&format!("cannot read {}/tls.crt", dir.path().display())), "{error}");
}

fn anyhow_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
