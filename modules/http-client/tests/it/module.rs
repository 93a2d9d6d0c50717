//! The module in an application.

use purlin::{
    app::{App, AppBuilder},
    module::Module as _,
    needs::Named,
};
use purlin_http_client::{ErrorKind, HttpClient, HttpClientModule};
use purlin_testing::{MockServer, Reply, TestApp, When, eventually};

purlin::name!(Payments);
purlin::name!(Rates);

fn app(payments: &MockServer, rates: &MockServer) -> AppBuilder {
    App::builder()
        .module(HttpClientModule.named::<Payments>())
        .module(HttpClientModule.named::<Rates>())
        .set("http_client@payments.url", payments.url())
        .set("http_client@rates.url", rates.url())
}

#[tokio::test]
async fn each_instance_has_its_own_upstream() {
    let (payments, rates) = (MockServer::start(), MockServer::start());
    payments.mock(When::get("/who"), Reply::ok("payments")).times(1);
    rates.mock(When::get("/who"), Reply::ok("rates")).times(1);
    let app = TestApp::start(app(&payments, &rates)).await;
    let (one, two) = app.get::<(Named<Payments, HttpClient>, Named<Rates, HttpClient>)>();
    assert_eq!(one.get("/who").fetch::<String>().await.unwrap(), "payments");
    assert_eq!(two.get("/who").fetch::<String>().await.unwrap(), "rates");
    assert_eq!(one.name(), "http_client@payments");
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn a_stop_refuses_new_requests_and_waits_for_those_in_flight() {
    let (payments, rates) = (MockServer::start(), MockServer::start());
    let slow = MockServer::start();
    let asked = slow.mock(When::get("/slow"), Reply::ok("done"));
    asked.hold();
    slow.mock(When::get("/other"), Reply::status(200)).times(0..);
    let app = TestApp::start(app(&payments, &rates).set("http_client@rates.url", slow.url())).await;
    let client = app.get::<Named<Rates, HttpClient>>();
    let closing = async {
        eventually(async || asked.calls() == 1).await;
        let (exit, ()) = tokio::join!(app.stop(), async {
            eventually(async || {
                let error = client.get("/other").repeatable(false).send().await;
                matches!(error, Err(error) if matches!(error.kind, ErrorKind::Closed))
            })
            .await;
            assert_eq!(client.in_flight(), 1);
            asked.release();
        });
        exit
    };
    let (answer, exit) = tokio::join!(client.get("/slow").fetch::<String>(), closing);
    assert_eq!(answer.unwrap(), "done");
    assert!(exit.is_clean());
}

#[tokio::test]
async fn an_open_breaker_makes_the_service_unhealthy_if_it_is_to() {
    let (payments, rates) = (MockServer::start(), MockServer::start());
    for upstream in [&payments, &rates] {
        upstream.mock(When::get("/who"), Reply::status(500)).times(1);
    }
    let mut builder = app(&payments, &rates).set("http_client@rates.health", true);
    for client in ["payments", "rates"] {
        let key = format!("http_client@{client}.guard.breaker.consecutive_failures");
        builder = builder.set(key, 1);
    }
    let app = TestApp::start(builder).await;
    let (one, two) = app.get::<(Named<Payments, HttpClient>, Named<Rates, HttpClient>)>();
    one.get("/who").send().await.unwrap();
    two.get("/who").send().await.unwrap();
    let report = serde_json::to_string(&app.health().report().await).unwrap();
    assert!(report.contains("the breaker of http_client@rates is open"), "{report}");
    assert!(!report.contains("payments"), "{report}");
}

#[test]
fn a_client_without_an_address_is_found_before_the_start() {
    let app = App::builder().module(HttpClientModule.named::<Payments>());
    let said = app.inputs(purlin::config::Inputs::default()).build().unwrap_err().to_string();
    assert!(said.contains("http_client@payments.url"), "{said}");
}
