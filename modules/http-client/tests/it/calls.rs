//! What is sent, and what comes back.

use std::{error::Error as _, time::Duration};

use opentelemetry::{
    propagation::{TextMapCompositePropagator, TextMapPropagator},
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId},
};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use purlin::{
    config::{ByteSize, Secret},
    error::{Code, ServiceError as _},
    trace::{BaggageExt as _, CorrelationId, KeyValue},
};
use purlin_http_client::{
    Broken, ErrorKind, HttpClient, HttpClientConfig,
    config::{AuthConfig, AuthKind, Propagate},
};
use purlin_testing::{MockServer, Reply, When};
use serde_json::{Value, json};

use crate::support::{client, config};

#[tokio::test]
async fn a_request_and_its_answer_are_typed() {
    let bank = MockServer::start();
    let charged = bank.mock(
        When::post("/v1/charges")
            .query("dry", "yes & no")
            .query("a", "b")
            .header("x-correlation-id", "c-7")
            .header("user-agent", "bank")
            .header("accept", "application/json")
            .json(&json!({ "cents": 1250 })),
        Reply::status(201).json(&json!({ "id": "ch_1" })),
    );
    let receipt: Value = client(&config(&format!("{}/v1/", bank.url())))
        .post("/charges?a=b")
        .query(&[("dry", "yes & no")])
        .correlation_id("c-7")
        .json(&json!({ "cents": 1250 }))
        .fetch()
        .await
        .unwrap();
    assert_eq!(receipt, json!({ "id": "ch_1" }));
    assert_eq!(charged.calls(), 1);
}

#[tokio::test]
async fn a_service_says_who_it_is() {
    let secret = || Some(Secret::new("hunter2".to_owned()));
    let bearer = AuthConfig { kind: AuthKind::Bearer, secret: secret(), ..AuthConfig::default() };
    let key = AuthConfig { kind: AuthKind::ApiKey, header: "X-Token".to_owned(), ..bearer.clone() };
    let basic = AuthConfig { kind: AuthKind::Basic, user: "ada".to_owned(), ..bearer.clone() };
    for (auth, name, value) in [
        (bearer, "authorization", "Bearer hunter2"),
        (key, "x-token", "hunter2"),
        (basic, "authorization", "Basic YWRhOmh1bnRlcjI="),
    ] {
        let bank = MockServer::start();
        bank.mock(When::get("/rates").header(name, value), Reply::status(204)).times(1);
        let mut config = config(&bank.url());
        config.auth = auth;
        let client = client(&config);
        client.get("/rates").send().await.unwrap().success().unwrap();
        assert!(!format!("{client:?} {config:?}").contains("hunter2"));
    }
}

#[test]
fn what_cannot_be_called_is_refused_at_start() {
    let refused = |url: &str, auth: AuthConfig| {
        let mut config = config("http://bank");
        (config.url, config.auth) = (url.parse().unwrap(), auth);
        HttpClient::builder("bank").build(&config).unwrap_err().to_string()
    };
    let none = AuthConfig::default;
    let scheme = refused("ftp://bank", none());
    let said = "`url`: nothing can be called at `ftp://bank/`; write http";
    assert!(scheme.starts_with(said), "{scheme}");
    if cfg!(not(feature = "tls")) {
        assert!(refused("https://bank", none()).contains("the feature `tls`"));
    }
    let secret = refused("http://ada:hunter2@bank", none());
    assert!(secret.contains("say them in `auth`") && !secret.contains("hunter2"), "{secret}");
    let secret = refused("http://bank/?key=hunter2", none());
    assert!(secret.contains("it has a query") && !secret.contains("hunter2"), "{secret}");
    let bearer = AuthConfig { kind: AuthKind::Bearer, ..none() };
    assert_eq!(
        refused("http://bank", bearer),
        "in `auth`: `kind`, `secret`: bearer sends a secret, and none is set; set the secret, or \
         `kind` to none"
    );
    let unused = AuthConfig { secret: Some(Secret::new("hunter2".to_owned())), ..none() };
    assert!(refused("http://bank", unused).contains("nothing says how it is sent"));
}

#[tokio::test]
async fn a_refusal_says_method_address_status_and_the_detail_of_the_problem() {
    let bank = MockServer::start();
    let refusal = Reply::problem(409, "already_exists", "charge k-7 exists already");
    bank.mock(When::post("/charges"), refusal).times(1);
    let request = client(&config(&bank.url())).post("/charges").query(&[("key", "hunter2")]);
    let error = request.fetch::<Value>().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "POST {}/charges: the answer is 409 Conflict: charge k-7 exists already",
            bank.url()
        )
    );
    assert_eq!(error.status().unwrap(), 409);
    assert_eq!((error.code(), error.attempts()), (Code::Internal, 1));
}

#[tokio::test]
async fn an_answer_of_another_form_says_what_was_asked_for() {
    let bank = MockServer::start();
    bank.mock(When::get("/rates"), Reply::ok(&json!({ "rate": "high" }))).times(1);
    let error = client(&config(&bank.url())).get("/rates").fetch::<Vec<u8>>().await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Decode { .. }));
    let text = error.to_string();
    assert!(text.contains("cannot be read as `alloc::vec::Vec<u8>`: invalid type: map"), "{text}");
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read() {
    let bank = MockServer::start();
    let large = Reply::status(200).text("x".repeat(1001));
    let in_pieces = large.clone().slowly(400, Duration::ZERO);
    bank.mock(When::get("/announced"), large).times(1);
    bank.mock(When::get("/in-pieces"), in_pieces).times(1);
    bank.mock(When::get("/fits"), Reply::status(200).text("x".repeat(1000))).times(1);
    let mut config = config(&bank.url());
    config.max_response = ByteSize::new(1000);
    let client = client(&config);
    for path in ["/announced", "/in-pieces"] {
        let error = client.get(path).send().await.unwrap_err();
        let ErrorKind::Guard(guard) = &error.kind else { panic!("{error}") };
        assert!(matches!(guard.inner(), Some(Broken::TooLarge { limit: 1000 })), "{error}");
    }
    assert_eq!(client.get("/fits").send().await.unwrap().body().len(), 1000);
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let bank = MockServer::start();
    let away = Reply::status(302).header("location", "http://elsewhere.example/");
    bank.mock(When::get("/rates"), away).times(1);
    let answer = client(&config(&bank.url())).get("/rates").send().await.unwrap();
    assert_eq!(answer.status(), 302);
}

#[tokio::test]
async fn a_request_that_cannot_be_made_is_not_sent() {
    let bank = MockServer::start();
    let client = client(&config(&format!("{}/v1", bank.url())));
    for request in [
        client.get("rates"),
        client.get("/../admin"),
        client.get("/rates").header("no name", "x"),
        client.get("/rates").header("x-key", "hunter2\n"),
        client.get("/rates").query("no pairs"),
    ] {
        let error = request.send().await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Invalid(_)), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert_eq!(error.attempts(), 0);
    }
    assert_eq!(bank.received().len(), 0);
}

/// What an upstream is told of a request with a trace, baggage and an identifier.
#[expect(clippy::unwrap_used, reason = "a fixture of tests fails by panicking")]
async fn told(propagate: Propagate) -> [Option<String>; 4] {
    let all: Vec<Box<dyn TextMapPropagator + Send + Sync>> =
        vec![Box::new(TraceContextPropagator::new()), Box::new(BaggagePropagator::new())];
    opentelemetry::global::set_text_map_propagator(TextMapCompositePropagator::new(all));
    let bank = MockServer::start();
    let called = bank.mock(When::get("/rates"), Reply::status(200));
    let span = SpanContext::new(
        TraceId::from_hex("0af7651916cd43dd8448eb211c80319c").unwrap(),
        SpanId::from_hex("b7ad6b7169203331").unwrap(),
        TraceFlags::SAMPLED,
        true,
        Default::default(),
    );
    let context = purlin::trace::Context::new()
        .with_remote_span_context(span)
        .with_baggage([KeyValue::new("tenant", "blue")]);
    let client = client(&HttpClientConfig { propagate, ..config(&bank.url()) });
    let id = CorrelationId::new("order-7");
    let call = CorrelationId::scope(id, client.get("/rates").send());
    purlin::trace::within(Some(context), call).await.unwrap();
    let sent = &called.received()[0];
    ["traceparent", "tracestate", "baggage", "x-correlation-id"]
        .map(|name| sent.header(name).map(str::to_owned))
}

#[tokio::test]
async fn an_upstream_is_told_as_much_as_it_may_know() {
    let some = |text: &str| Some(text.to_owned());
    let trace = some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let (baggage, id) = (some("tenant=blue"), some("order-7"));
    let default = HttpClientConfig::new("http://bank".parse().unwrap()).propagate;
    assert_eq!(told(default).await, [trace.clone(), None, None, id.clone()]);
    assert_eq!(told(Propagate::All).await, [trace, None, baggage, id]);
    assert_eq!(told(Propagate::None).await, [None, None, None, None]);
}

#[tokio::test]
async fn an_error_says_its_cause_once() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = client(&config(&format!("http://{nobody}"))).get("/").send().await.unwrap_err();
    let text = error.to_string();
    assert_eq!(
        text,
        format!(
            "GET http://{nobody}/: the connection could not be made: Connection refused (os error \
             111) (attempt 3; no attempts are left)"
        )
    );
    assert!(error.source().is_none(), "{:?}", error.source());
    assert_eq!((error.code(), error.attempts()), (Code::Unavailable, 3));
}
