//! Keys of an issuer that speaks TLS.

use purlin::{app::AppBuilder, config::Inputs};
use purlin_testing::{Authority, MockServer, TestApp};

use crate::{
    issuer::Issuer,
    service::{counted, service, status},
    signer::{Signer, claims},
};

/// A service that believes `authority` alone.
fn of(url: String, authority: &Authority) -> AppBuilder {
    service()
        .set("jwt.jwks_url", url)
        .set("jwt.jwks_tls.system_roots", false)
        .set("jwt.jwks_tls.ca", authority.ca().display().to_string())
}

#[tokio::test]
async fn keys_rotate_over_tls() {
    let (authority, old, new) = (Authority::new(), Signer::fresh("old"), Signer::fresh("new"));
    let issuer = Issuer::on(MockServer::start_tls(&authority), &[&old]);
    let app = of(issuer.url(), &authority).set("jwt.jwks_cooldown", "0s");
    let app = TestApp::start(app).await;
    assert_eq!(status(&app, &old.token(&claims())).await, 200);

    issuer.publish(&[&new]);
    assert_eq!(status(&app, &new.token(&claims())).await, 200);
    assert_eq!(status(&app, &old.token(&claims())).await, 401);
    assert_eq!(counted(&app, "auth_key_fetches_total", "ok"), issuer.asked() as u64);
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn an_issuer_that_is_not_believed_ends_the_start() {
    let (authority, other, key) = (Authority::new(), Authority::new(), Signer::fresh("key"));
    let issuer = Issuer::on(MockServer::start_tls(&authority).lenient(), &[&key]);
    let by_another_name = issuer.url().replace("localhost", "127.0.0.1");
    let cases = [
        (issuer.url(), &other, "UnknownIssuer"),
        (by_another_name, &authority, "certificate not valid for name \"127.0.0.1\""),
    ];
    for (url, believed, reason) in cases {
        let report = TestApp::try_start(of(url.clone(), believed)).await.unwrap_err().to_string();
        for text in [&*url, "`jwt.jwks_url`", "invalid peer certificate", reason] {
            assert!(report.contains(text), "no {text:?} in\n{report}");
        }
    }
    assert_eq!(issuer.asked(), 0);
}

#[tokio::test]
async fn an_authority_that_cannot_be_read_ends_the_start() {
    let app = service()
        .set("jwt.jwks_url", "https://localhost:9/jwks.json")
        .set("jwt.jwks_tls.ca", "/nowhere/ca.pem");
    let report = TestApp::try_start(app).await.unwrap_err().to_string();
    assert!(report.contains("`jwt.jwks_url`") && report.contains("/nowhere/ca.pem"), "{report}");
}

#[test]
fn authorities_are_for_https() {
    let app = service()
        .inputs(Inputs::default())
        .set("jwt.jwks_url", "http://localhost:9/jwks.json")
        .set("jwt.jwks_tls.ca", "/etc/ca.pem");
    let report = app.build().unwrap_err().to_string();
    let said =
        "`jwt.jwks_url` cannot be as it is: files for TLS are set, and the address is spoken";
    assert!(report.contains(said), "{report}");
}
