use std::fs;

use purlin_core::clock::Clock;
use purlin_tls::{ServerTls, ServerTlsConfig, TlsError};

use crate::support::{Authority, load, shake, shown};

#[tokio::test]
async fn a_certificate_is_shown_and_a_protocol_agreed_on() {
    let authority = Authority::new();
    let tls = load(&authority.server_config((-1, 90))).unwrap();
    let (server, client) = shake(&tls, &authority.client_config()).await;
    server.unwrap();
    assert_eq!(client.unwrap().get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let left = tls.expires().duration_since(Clock::system().system_now()).unwrap();
    assert_eq!(left.as_secs().div_ceil(24 * 3600), 90);
}

#[test]
fn without_a_certificate_tls_is_off() {
    let tls = ServerTls::load(&ServerTlsConfig::default(), &[], Clock::system()).unwrap();
    assert!(tls.is_none());
}

/// Every message says which file it is about, and what to do.
#[test]
fn what_is_wrong_with_the_files_is_said() {
    let authority = Authority::new();
    let (cert, key) = authority.write("server", (-1, 90));
    let (old, old_key) = authority.write("old", (-90, -1));
    let (_, other_key) = authority.write("other", (-1, 90));
    let (text, missing) = (authority.path("text"), authority.path("missing"));
    fs::write(&text, "-----BEGIN CERTIFICATE-----\nthis is no base64!\n").unwrap();
    let empty = authority.path("empty");
    fs::write(&empty, "").unwrap();

    let says = |cert: Option<&std::path::PathBuf>, key: Option<&std::path::PathBuf>| {
        let config = ServerTlsConfig {
            cert: cert.cloned(),
            key: key.cloned(),
            ..ServerTlsConfig::default()
        };
        load(&config).unwrap_err().to_string()
    };
    let shown = |path: &std::path::PathBuf| path.display().to_string();
    assert_eq!(
        says(Some(&cert), None),
        "`cert` is set and `key` is not: a certificate and its key go together"
    );
    assert_eq!(says(Some(&missing), Some(&key)), format!("cannot read {}", shown(&missing)));
    assert_eq!(
        says(Some(&empty), Some(&key)),
        format!(
            "{} holds no certificate: it should begin with `-----BEGIN CERTIFICATE-----`",
            shown(&empty)
        )
    );
    assert!(says(Some(&text), Some(&key)).starts_with(&format!("{} is not in PEM", shown(&text))));
    assert_eq!(
        says(Some(&cert), Some(&cert)),
        format!(
            "{} holds no private key: PKCS #8, PKCS #1 and SEC 1 can be read, encrypted keys cannot",
            shown(&cert)
        )
    );
    assert_eq!(
        says(Some(&cert), Some(&other_key)),
        format!(
            "the key in {} does not belong to the certificate in {}: replace both together",
            shown(&other_key),
            shown(&cert)
        )
    );
    let expired = says(Some(&old), Some(&old_key));
    assert!(expired.starts_with(&format!("the certificate in {} is valid from", shown(&old))));
}

#[test]
fn no_message_and_no_debug_shows_a_key() {
    let authority = Authority::new();
    let mut config = authority.server_config((-1, 90));
    let key = fs::read_to_string(config.key.as_ref().unwrap()).unwrap();
    let secret = key.lines().nth(1).unwrap();
    let tls = load(&config).unwrap();
    assert!(!format!("{tls:?}").contains(secret));

    // The end of the key is missing, and so is its certificate.
    fs::write(config.key.as_ref().unwrap(), &key[..key.len() - 40]).unwrap();
    let error = load(&config).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(secret));
    config.cert = config.key.clone();
    let error = load(&config).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(secret));
}

#[tokio::test]
async fn a_client_has_to_show_a_certificate_of_the_authority() {
    let authority = Authority::new();
    let mut config = authority.server_config((-1, 90));
    config.client_ca = Some(authority.path("ca.pem"));
    let tls = load(&config).unwrap();

    let mut client = authority.client_config();
    assert!(shake(&tls, &client).await.0.is_err(), "without a certificate");
    let (cert, key) = authority.write("client", (-1, 90));
    (client.cert, client.key) = (Some(cert), Some(key));
    let server = shake(&tls, &client).await.0.unwrap();
    assert_eq!(server.get_ref().1.peer_certificates().unwrap().len(), 1);
    let stranger = Authority::new();
    let (cert, key) = stranger.write("client", (-1, 90));
    (client.cert, client.key) = (Some(cert), Some(key));
    assert!(shake(&tls, &client).await.0.is_err(), "of another authority");

    config.client_required = false;
    let tls = load(&config).unwrap();
    shown(&tls, &authority.client_config()).await;
    assert!(shake(&tls, &client).await.0.is_err(), "what is shown is looked at");
}

#[test]
fn authorities_that_cannot_be_read_are_named() {
    let authority = Authority::new();
    let mut config = authority.server_config((-1, 90));
    let path = authority.path("none");
    config.client_ca = Some(path.clone());
    assert!(matches!(load(&config), Err(TlsError::Read { path: named, .. }) if named == path));
    fs::write(&path, "nothing").unwrap();
    assert!(matches!(load(&config), Err(TlsError::NoCertificate { path: named }) if named == path));
}
