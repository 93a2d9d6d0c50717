use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use purlin_core::clock::Clock;
use purlin_serve::{Cut, DrainReport, Limits};
use purlin_tls::{
    ClientTlsConfig, Reload, ServerTls, ServerTlsConfig, client_config,
    tokio_rustls::{TlsConnector, client::TlsStream, rustls::pki_types::ServerName},
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    attacks::load::{Load, Question},
    frames::LONG,
    support::{Running, eventually, within},
};

/// A certificate that vouches for itself, in files.
struct Files {
    dir: TempDir,
}

// === impl Files ===

impl Files {
    fn new() -> Self {
        let files = Self { dir: TempDir::new().unwrap() };
        files.renew();
        files
    }

    fn renew(&self) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(self.path("crt"), cert.pem()).unwrap();
        fs::write(self.path("key"), signing_key.serialize_pem()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn server(&self, clients: bool) -> Arc<ServerTls> {
        let config = ServerTlsConfig {
            cert: Some(self.path("crt")),
            key: Some(self.path("key")),
            client_ca: clients.then(|| self.path("crt")),
            ..ServerTlsConfig::default()
        };
        let tls = ServerTls::load(&config, &["h2", "http/1.1"], Clock::system());
        Arc::new(tls.unwrap().unwrap())
    }

    async fn connect(&self, server: &Running, protocol: &str) -> TlsStream<TcpStream> {
        shake_hands(self.connector(protocol), server.addr).await
    }

    fn connector(&self, protocol: &str) -> TlsConnector {
        let shown = |name| Some(self.path(name));
        let config = ClientTlsConfig {
            system_roots: false,
            ca: shown("crt"),
            cert: shown("crt"),
            key: shown("key"),
        };
        let mut config = client_config(&config, Clock::system().system_now()).unwrap();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

async fn shake_hands(connector: TlsConnector, addr: SocketAddr) -> TlsStream<TcpStream> {
    let tcp = within("connect", TcpStream::connect(addr)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    within("shake hands", connector.connect(name, tcp)).await.unwrap()
}

async fn ask(stream: &mut TlsStream<TcpStream>, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}

async fn read_until(stream: &mut TlsStream<TcpStream>, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let mut space = [0; 1024];
        let read = within("read", stream.read(&mut space)).await.unwrap();
        assert_ne!(read, 0, "the connection ended after {text:?}");
        text.push_str(std::str::from_utf8(&space[..read]).unwrap());
    }
    text
}

#[tokio::test]
async fn a_drain_tells_a_kept_connection_to_close() {
    let files = Files::new();
    let (clock, _hand) = Clock::held();
    let mut server = Running::secured(files.server(false), Limits::default(), clock);
    let mut stream = files.connect(&server, "http/1.1").await;
    ask(&mut stream, "/gate").await;
    within("the gate is reached", server.arrived.recv()).await.unwrap();

    server.stop(LONG).await;
    server.gate.add_permits(1);
    let answer = read_until(&mut stream, "through").await;
    assert!(answer.contains("connection: close"), "{answer}");
    let mut rest = Vec::new();
    within("the end", stream.read_to_end(&mut rest)).await.expect("it says that it closes");
    assert_eq!(server.report().await, DrainReport { closed: 1, finished: 1, cut: 0 });
}

#[tokio::test]
async fn http2_is_agreed_on_and_drains() {
    let files = Files::new();
    let (clock, _hand) = Clock::held();
    let mut server = Running::secured(files.server(false), Limits::default(), clock);
    let stream = files.connect(&server, "h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (requests, driver) = within("settings", h2::client::handshake(stream)).await.unwrap();
    let mut connection = JoinSet::new();
    connection.spawn(driver);
    let mut requests: h2::client::SendRequest<Bytes> = requests.ready().await.unwrap();
    let request = Request::get("https://localhost/gate").body(()).unwrap();
    let (response, _) = requests.send_request(request, true).unwrap();
    within("the gate is reached", server.arrived.recv()).await.unwrap();

    server.stop(LONG).await;
    server.gate.add_permits(1);
    assert_eq!(within("the response", response).await.unwrap().status(), 200);
    drop(requests);
    within("the end", connection.join_next()).await.unwrap().unwrap().unwrap();
    assert_eq!(server.report().await, DrainReport { closed: 1, finished: 1, cut: 0 });
}

/// Who was accepted and has not finished shaking hands is as fresh as one who has said nothing.
#[tokio::test]
async fn a_drain_waits_for_who_shakes_hands() {
    let files = Files::new();
    let (clock, hand) = Clock::held();
    let mut server = Running::secured(files.server(false), Limits::default(), clock);
    let mut silent = server.connect_accepted().await;
    let mut stream = files.connect(&server, "http/1.1").await;
    server.ask_to_stop(LONG);
    eventually("the listener is closed", || server.stats.listening() == 0).await;
    ask(&mut stream, "/").await;
    assert!(read_until(&mut stream, "hello").await.contains("connection: close"));
    hand.advance(Limits::default().drain_grace);
    silent.gone().await;
    assert_eq!(server.cuts(), [], "a drain is nobody's slowness");
    assert_eq!(server.report().await, DrainReport { closed: 2, finished: 1, cut: 0 });
}

#[tokio::test]
async fn a_slow_handshake_is_cut_and_plain_text_is_refused() {
    let files = Files::new();
    let (clock, hand) = Clock::held();
    let server = Running::secured(files.server(false), Limits::default(), clock);
    let mut plain = server.connect().await;
    plain.get("/").await;
    plain.rest().await;
    eventually("it is counted", || server.stats.cut(Cut::HandshakeFailed) == 1).await;

    let mut slow = server.connect_accepted().await;
    slow.send([0x16, 3, 1]).await;
    // What comes later is served later.
    let mut stream = files.connect(&server, "http/1.1").await;
    ask(&mut stream, "/").await;
    read_until(&mut stream, "hello").await;
    hand.advance(Duration::from_secs(10));
    slow.rest().await;
    assert_eq!(server.stats.cut(Cut::SlowHandshake), 1);
    ask(&mut stream, "/").await;
    read_until(&mut stream, "hello").await;
}

#[tokio::test]
async fn handshakes_that_drip_are_cut() {
    let (patience, files) = (Duration::from_secs(3), Files::new());
    let limits = Limits { header_read_timeout: patience, ..Limits::default() };
    let server = Running::secured(files.server(false), limits, Clock::system());
    let (connector, addr) = (files.connector("http/1.1"), server.addr);
    let connect = move || shake_hands(connector.clone(), addr);
    let load = Load::over(Clock::system(), Question::default(), connect);
    let mut clients = join_all((0..40).map(|_| server.connect())).await;
    join_all(clients.iter_mut().map(async |client| {
        // A record of 512 bytes, of which one comes now and then.
        client.send([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]).await;
        while client.try_send(&[0]).await {
            Clock::system().sleep(patience / 50).await;
        }
    }))
    .await;
    eventually("all are cut", || server.stats.cut(Cut::SlowHandshake) == 40).await;
    load.was_served().await;
}

#[tokio::test]
async fn a_new_certificate_holds_for_new_connections() {
    let files = Files::new();
    let tls = files.server(false);
    let server = Running::secured(tls.clone(), Limits::default(), Clock::system());
    let mut old = files.connect(&server, "http/1.1").await;
    files.renew();
    assert_eq!(tls.reload().unwrap(), Reload::Changed);
    // Its client believes the new one alone.
    let mut new = files.connect(&server, "http/1.1").await;
    for stream in [&mut old, &mut new] {
        ask(stream, "/").await;
        read_until(stream, "hello").await;
    }
}

#[tokio::test]
async fn a_request_knows_what_its_client_showed() {
    let files = Files::new();
    let server = Running::secured(files.server(true), Limits::default(), Clock::system());
    let mut stream = files.connect(&server, "http/1.1").await;
    ask(&mut stream, "/certificates").await;
    assert!(read_until(&mut stream, " certificates").await.ends_with("\r\n1 certificates"));
}
