//! The labels of the metrics are bounded, whatever callers send.

use axum::{Router, routing};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use purlin::meter::Meter;
use purlin_http::{
    Options, metrics,
    routes::{Posture, Routes, get},
};

use crate::support::{Answer, start_with};

#[tokio::test]
async fn routes_are_counted_by_their_template() {
    let registry = Registry::new();
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .without_counter_suffixes()
        .without_units()
        .build();
    let provider = SdkMeterProvider::builder().with_reader(exporter.unwrap()).build();
    let options = Options { meter: Meter::from_otel(provider.meter("test")), ..Options::default() };

    let old = || Router::new().route("/item/{id}", routing::get(async || "old"));
    let routes = Routes::new()
        .public("/orders/{id}", get(async || "order"))
        .public(
            "/panic",
            get(async || {
                if true {
                    panic!("on purpose")
                }
            }),
        )
        .merge(Routes::from_axum(Posture::Public, old))
        .nest("/old", Routes::from_axum(Posture::Public, old));
    let app = start_with(routes, (), &options);
    for path in
        ["/orders/1", "/orders/2", "/item/3", "/old/item/4", "/raw/5", "/old/raw/6", "/panic"]
    {
        app.get(path).await;
    }
    Answer::of(app.request("BREW", "/orders/7")).await;

    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let count = |method: &str, route: &str, status: u16| {
        let labels = [
            format!("method=\"{method}\""),
            format!("route=\"{route}\""),
            format!("status=\"{status}\""),
        ];
        let name = format!("{}_count", metrics::REQUEST_DURATION.name);
        let mut lines = text.lines().filter(|line| line.starts_with(&name));
        let line = lines.find(|line| labels.iter().all(|label| line.contains(label)));
        let line = line.unwrap_or_else(|| panic!("no {labels:?} in\n{text}"));
        line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
    };
    assert_eq!(count("GET", "/orders/{id}", 200), 2);
    assert_eq!(count("_OTHER", "/orders/{id}", 405), 1);
    assert_eq!(count("GET", "/item/{id}", 200), 1);
    assert_eq!(count("GET", "/old/item/{id}", 200), 1);
    assert_eq!(count("GET", "<unmatched>", 404), 2);
    assert_eq!(count("GET", "/panic", 500), 1);

    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.rsplit_once(' ')).map(|(_, value)| value.to_owned())
    };
    assert_eq!(value(metrics::ACTIVE_REQUESTS.name).as_deref(), Some("0"));
    assert_eq!(value(metrics::PANICS.name).as_deref(), Some("1"));
    for raw in ["orders/1", "raw/5", "BREW", "item/3"] {
        assert!(!text.contains(raw), "{raw} in\n{text}");
    }
}
