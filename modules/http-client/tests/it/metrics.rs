//! What is measured.

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use purlin::meter::Meter;
use purlin_http_client::{HttpClient, metrics};
use purlin_testing::{MockServer, Reply, When};

use crate::support::config;

#[tokio::test]
async fn each_attempt_is_measured_by_its_outcome_and_never_by_its_path() {
    let registry = Registry::new();
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .without_counter_suffixes()
        .without_units()
        .build();
    let provider = SdkMeterProvider::builder().with_reader(exporter.unwrap()).build();
    let bank = MockServer::start();
    let answers = Reply::status(503).then(Reply::cut().then(Reply::status(200)));
    bank.mock(When::get("/orders/{id}"), answers).times(3);
    bank.mock(When::any("/other"), Reply::status(404)).times(1);
    let builder = HttpClient::builder("bank").meter(Meter::from_otel(provider.meter("test")));
    let client = builder.build(&config(&bank.url())).unwrap();
    client.get("/orders/7").send().await.unwrap();
    client.request("BREW".parse().unwrap(), "/other").send().await.unwrap();

    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let count = |method: &str, status: &str| {
        let labels =
            ["client=\"bank\"", &format!("method=\"{method}\""), &format!("status=\"{status}\"")];
        let name = format!("{}_count", metrics::REQUEST_DURATION.name);
        let mut lines = text.lines().filter(|line| line.starts_with(&name));
        let line = lines.find(|line| labels.iter().all(|label| line.contains(label)));
        line.unwrap_or_else(|| panic!("no {labels:?} in\n{text}")).rsplit_once(' ').unwrap().1
    };
    for (method, status) in [("GET", "503"), ("GET", "broken"), ("GET", "200"), ("_OTHER", "404")] {
        assert_eq!(count(method, status), "1", "{method} {status}");
    }
    assert!(text.contains("http_client_active_requests{client=\"bank\""), "{text}");
    assert!(!text.contains("orders"), "{text}");
}
