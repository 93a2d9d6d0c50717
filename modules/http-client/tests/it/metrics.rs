//! What is measured.

use purlin_http_client::{HttpClient, metrics};
use purlin_testing::{MockServer, Reply, TestMeter, When};

use crate::support::config;

#[tokio::test]
async fn each_attempt_is_measured_by_its_outcome_and_never_by_its_path() {
    let meter = TestMeter::new();
    let bank = MockServer::start();
    let answers = Reply::status(503).then(Reply::cut().then(Reply::status(200)));
    bank.mock(When::get("/orders/{id}"), answers).times(3);
    bank.mock(When::any("/other"), Reply::status(404)).times(1);
    let builder = HttpClient::builder("bank").meter(meter.meter());
    let client = builder.build(&config(&bank.url())).unwrap();
    client.get("/orders/7").send().await.unwrap();
    client.request("BREW".parse().unwrap(), "/other").send().await.unwrap();

    let text = meter.text();
    let count = format!("{}_count", metrics::REQUEST_DURATION.name);
    for (method, status) in [("GET", "503"), ("GET", "broken"), ("GET", "200"), ("_OTHER", "404")] {
        let labels = [("client", "bank"), ("method", method), ("status", status)];
        assert_eq!(meter.value(&count, &labels), Some(1.0), "{method} {status} in\n{text}");
    }
    assert_eq!(meter.value(&count, &[]), Some(4.0), "{text}");
    assert_eq!(meter.value(metrics::ACTIVE_REQUESTS.name, &[("client", "bank")]), Some(0.0));
    assert!(!text.contains("orders"), "{text}");
}
