//! The labels of the metrics are bounded, whatever callers send.

use axum::{Router, routing};
use purlin_http::{
    Options, metrics,
    routes::{Posture, Routes, get},
};
use purlin_testing::TestMeter;

use crate::support::{Answer, start_with};

#[tokio::test]
async fn routes_are_counted_by_their_template() {
    let meter = TestMeter::new();
    let options = Options { meter: meter.meter(), ..Options::default() };

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

    let text = meter.text();
    let name = format!("{}_count", metrics::REQUEST_DURATION.name);
    for (method, route, status, count) in [
        ("GET", "/orders/{id}", "200", 2.0),
        ("_OTHER", "/orders/{id}", "405", 1.0),
        ("GET", "/item/{id}", "200", 1.0),
        ("GET", "/old/item/{id}", "200", 1.0),
        ("GET", "<unmatched>", "404", 2.0),
        ("GET", "/panic", "500", 1.0),
    ] {
        let labels = [("method", method), ("route", route), ("status", status)];
        assert_eq!(meter.value(&name, &labels), Some(count), "{labels:?} in\n{text}");
    }
    assert_eq!(meter.value(metrics::ACTIVE_REQUESTS.name, &[]), Some(0.0), "{text}");
    assert_eq!(meter.value(metrics::PANICS.name, &[]), Some(1.0), "{text}");
    for raw in ["orders/1", "raw/5", "BREW", "item/3"] {
        assert!(!text.contains(raw), "{raw} in\n{text}");
    }
}
