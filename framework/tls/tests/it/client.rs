use purlin_core::clock::Clock;
use purlin_tls::{ClientTlsConfig, TlsError, client_config};

use crate::support::{Authority, load, shake};

#[tokio::test]
async fn a_stranger_is_not_believed() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let tls = load(&stranger.server_config((-1, 90))).unwrap();
    let (_, client) = shake(&tls, &authority.client_config()).await;
    let error = client.unwrap_err().to_string();
    assert!(error.contains("invalid peer certificate"), "{error}");
}

#[test]
fn a_client_that_believes_nobody_is_a_mistake() {
    let now = Clock::system().system_now();
    let config = ClientTlsConfig { system_roots: false, ..ClientTlsConfig::default() };
    assert!(matches!(client_config(&config, now), Err(TlsError::NoRoots)));
    let authority = Authority::new();
    let (cert, _) = authority.write("client", (-1, 90));
    let config = ClientTlsConfig { cert: Some(cert), ..authority.client_config() };
    let error = client_config(&config, now).unwrap_err();
    assert!(matches!(error, TlsError::Half { set: "cert", unset: "key" }));
}
