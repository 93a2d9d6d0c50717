//! The trace of a caller, as far as it goes where nothing is sent to a collector.

use purlin_testing::{Mock, MockServer, Reply, When};
use serde_json::Value;

use crate::{
    otlp::{CALLER, TRACE},
    service::Service,
};

/// A neighbour who is asked once.
fn neighbour() -> (MockServer, Mock) {
    let neighbour = MockServer::start();
    let called = neighbour.mock(When::get("/stock/7"), Reply::ok(&Value::Null));
    called.times(1);
    (neighbour, called)
}

/// A service that makes no span is no hole in the trace of its caller.
async fn what_a_caller_brought_is_passed_on(variables: &[(&str, &str)]) {
    let (neighbour, called) = neighbour();
    let own = [("HTTP_CLIENT_URL", &*neighbour.url()), ("HTTP_CLIENT_PROPAGATE", "all")];
    let service = Service::start(&[&own[..], variables].concat()).await;
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    let headers = [
        ("traceparent", &*traceparent),
        ("tracestate", "vendor=opaque"),
        ("baggage", "tenant=blue"),
    ];
    service.ask("POST", "/orders/7", &headers).await;
    for (name, value) in headers {
        assert_eq!(called.received()[0].header(name), Some(value));
    }
    let problem = service.ask("GET", "/refused", &[("traceparent", &traceparent)]).await;
    let problem: Value = serde_json::from_str(&problem).unwrap();
    assert_eq!(problem["trace_id"], TRACE);
    let twice = [("traceparent", &*traceparent), ("traceparent", &*traceparent)];
    for headers in [&[][..], &twice[..]] {
        let problem = service.ask("GET", "/refused", headers).await;
        assert!(!problem.contains("trace_id"), "{headers:?}: {problem}");
    }
    let lines = service.stop().await.lines;
    // The second one is of a task.
    for message in ["an order comes in", "a receipt is written"] {
        let line = lines.iter().find(|line| line["message"] == message).unwrap();
        assert_eq!((&line["trace_id"], &line["span_id"]), (&TRACE.into(), &CALLER.into()));
    }
    let access = |line: &&Value| line["component"] == "purlin_http::access";
    let of_trace = lines.iter().filter(access).map(|line| line["trace_id"] == TRACE);
    assert_eq!(of_trace.collect::<Vec<_>>(), [true, true, false, false]);
}

#[tokio::test]
async fn without_an_endpoint_the_trace_of_a_caller_goes_on() {
    what_a_caller_brought_is_passed_on(&[]).await;
}

#[tokio::test]
async fn without_the_sdk_the_trace_of_a_caller_goes_on() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    what_a_caller_brought_is_passed_on(&[("OTEL_SDK_DISABLED", "true"), endpoint]).await;
}

#[tokio::test]
async fn without_propagators_nothing_comes_in_and_nothing_goes_out() {
    let (neighbour, called) = neighbour();
    let service = Service::start(&[
        ("OTEL_PROPAGATORS", "none"),
        ("HTTP_CLIENT_URL", &neighbour.url()),
        ("HTTP_CLIENT_PROPAGATE", "all"),
    ])
    .await;
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    let headers = [("traceparent", &*traceparent), ("baggage", "tenant=blue")];
    service.ask("POST", "/orders/7", &headers).await;
    for (name, _) in headers {
        assert_eq!(called.received()[0].header(name), None);
    }
    let lines = service.stop().await.lines;
    assert!(lines.iter().all(|line| line.get("trace_id").is_none()), "{lines:#?}");
}

#[tokio::test]
async fn identifiers_need_no_collector() {
    let (neighbour, called) = neighbour();
    let own = [("OTEL_TRACES_EXPORTER", "none"), ("HTTP_CLIENT_URL", &*neighbour.url())];
    let service = Service::start(&own).await;
    let traceparent = format!("00-{TRACE}-{CALLER}-00");
    service.ask("POST", "/orders/7", &[("traceparent", &traceparent)]).await;
    let received = called.received();
    let passed_on = received[0].header("traceparent").unwrap();
    assert!(passed_on.starts_with(&format!("00-{TRACE}-")) && passed_on.ends_with("-00"));
    assert_ne!(passed_on, traceparent);
    let lines = service.stop().await.lines;
    let line = lines.iter().find(|line| line["message"] == "an order comes in").unwrap();
    assert_eq!(line["trace_id"], TRACE);
}

/// The connection drives the body of an answer after the request itself is over.
#[tokio::test]
async fn what_a_stream_logs_is_in_the_span_of_its_request() {
    let service = Service::start(&[("OTEL_TRACES_EXPORTER", "none")]).await;
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    let headers = [("traceparent", &*traceparent), ("x-correlation-id", "c-7")];
    assert_eq!(service.ask("GET", "/events", &headers).await, "event");
    let lines = service.stop().await.lines;
    let line = lines.iter().find(|line| line["message"] == "an event goes out").unwrap();
    assert_eq!((&line["trace_id"], &line["correlation_id"]), (&TRACE.into(), &"c-7".into()));
    assert_ne!(line["span_id"].as_str().unwrap(), CALLER);
}
