//! What an issuer, and whoever looks at the metrics, learns of a fetch.

use std::sync::Arc;

use purlin::{
    app::App,
    clock::Clock,
    meter::{Exposition, Meter},
    module::Module as _,
    trace::CorrelationId,
};
use purlin_auth::{
    JwtModule,
    jwt::{JwtAuthenticator, JwtConfig},
};
use purlin_telemetry::TelemetryModule;
use purlin_testing::TestApp;

use crate::{issuer::Issuer, signer::Signer};

purlin::name!(Partner);

#[tokio::test]
async fn the_client_has_the_name_of_its_instance() {
    let issuer = Issuer::start(&[&Signer::fresh("key")]);
    let app = App::builder()
        .shell(TelemetryModule::default())
        .set("jwt@partner.jwks_url", issuer.url())
        .module(JwtModule.named::<Partner>());
    let app = TestApp::start(app).await;
    let text = app.get::<Arc<dyn Exposition>>().text().unwrap();
    let name = "client=\"jwt@partner\"";
    let counted = |line: &str| line.contains("http_client_request_duration_seconds_count");
    assert!(text.lines().any(|line| counted(line) && line.contains(name)), "{text}");
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn an_issuer_is_told_nothing_of_the_request() {
    let issuer = Issuer::start(&[&Signer::fresh("key")]);
    let url = issuer.url().parse().unwrap();
    let config = JwtConfig { jwks_url: Some(url), ..JwtConfig::default() };
    let meter = Meter::noop();
    let connected = JwtAuthenticator::connect("jwt", &config, Clock::system(), &meter);
    CorrelationId::scope(CorrelationId::new("order-7"), connected).await.unwrap();
    let asked = issuer.received();
    assert_eq!(asked.len(), 1);
    for name in ["x-correlation-id", "traceparent", "baggage"] {
        assert_eq!(asked[0].header(name), None);
    }
}
