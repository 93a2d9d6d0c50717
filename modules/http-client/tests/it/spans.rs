//! What a trace shows of the attempts of a request.

#![expect(clippy::unwrap_used, reason = "a fixture of tests fails by panicking")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry::trace::{SpanKind, Status, TracerProvider as _};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use purlin::clock::Clock;
use purlin_http_client::HttpClientConfig;
use purlin_testing::{MockServer, Reply, When, eventually};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::{client, client_on, config};

/// The spans that have ended on this thread.
#[derive(Debug, Clone, Default)]
struct Ended(Arc<Mutex<Vec<SpanData>>>);

// === impl Ended ===

impl Ended {
    fn watch() -> (Self, DefaultGuard) {
        let ended = Self::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(ended.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let watched = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        (ended, watched)
    }

    fn spans(&self) -> Vec<SpanData> {
        self.0.lock().unwrap().clone()
    }

    /// The `error.type` of each span, empty where it has not failed.
    fn errors(&self) -> Vec<String> {
        let error = |span: &SpanData| {
            let error = attribute(span, "error.type");
            assert_eq!(span.status == Status::Unset, error.is_empty(), "{span:?}");
            error
        };
        self.spans().iter().map(error).collect()
    }
}

impl SpanExporter for Ended {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

/// An attribute as text; empty where there is none.
fn attribute(span: &SpanData, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == name);
    found.map(|attribute| attribute.value.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn each_attempt_has_a_span_that_shows_no_query() {
    let (ended, _watched) = Ended::watch();
    let bank = MockServer::start();
    let answers = Reply::status(503).then(Reply::status(200));
    bank.mock(When::get("/rates").query("key", "hunter2"), answers).times(2);
    let client = client(&config(&bank.url()));
    client.get("/rates").query(&[("key", "hunter2")]).send().await.unwrap();

    let [first, second] = &ended.spans()[..] else { panic!("{:#?}", ended.spans()) };
    for (span, resend, status) in [(first, "", "503"), (second, "1", "200")] {
        assert_eq!((&*span.name, &span.span_kind), ("GET", &SpanKind::Client));
        for (name, value) in [
            ("http.request.method", "GET"),
            ("http.request.resend_count", resend),
            ("http.response.status_code", status),
            ("server.address", "127.0.0.1"),
            ("server.port", &*bank.address().port().to_string()),
            ("url.full", &*format!("{}/rates", bank.url())),
        ] {
            assert_eq!(attribute(span, name), value, "{name}: {span:#?}");
        }
    }
    assert_eq!(ended.errors(), ["503", ""]);
    assert!(!format!("{:?}", ended.spans()).contains("hunter2"));
}

#[tokio::test]
async fn an_attempt_that_fails_says_how() {
    let (ended, _watched) = Ended::watch();
    let bank = MockServer::start();
    bank.mock(When::get("/cut"), Reply::cut()).times(1);
    bank.mock(When::get("/large"), Reply::status(200).text("four")).times(1);
    bank.mock(When::get("/gone"), Reply::status(404)).times(1);
    let bounded = HttpClientConfig { max_response: "3B".parse().unwrap(), ..config(&bank.url()) };
    let client = client(&bounded);
    for path in ["/cut", "/large"] {
        client.get(path).repeatable(false).send().await.unwrap_err();
    }
    client.get("/gone").send().await.unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = crate::support::client(&config(&format!("http://{nobody}")));
    nobody.get("/").send().await.unwrap_err();
    let thrice = ["connect_error"; 3];
    assert_eq!(ended.errors(), [&["broken", "too_large", "404"][..], &thrice[..]].concat());
}

/// An attempt that is given up is dropped, by the timeout as by its caller.
#[tokio::test]
async fn an_attempt_that_is_given_up_has_failed() {
    let (ended, _watched) = Ended::watch();
    let bank = MockServer::start();
    let asked = bank.mock(When::get("/rates"), Reply::silence());
    let (clock, hand) = Clock::held();
    let mut config = config(&bank.url());
    config.guard.deadline = Duration::ZERO;
    let client = client_on(&config, clock);
    let time = async {
        eventually(async || asked.calls() == 1).await;
        hand.advance(config.guard.timeout);
    };
    let (answer, ()) = tokio::join!(client.get("/rates").repeatable(false).send(), time);
    answer.unwrap_err();
    tokio::select! {
        answer = client.get("/rates").send() => panic!("{answer:?}"),
        () = eventually(async || asked.calls() == 2) => {}
    }
    assert_eq!(ended.errors(), ["cancelled", "cancelled"]);
}
