//! The breaker and the bulkhead, with an upstream that is really gone.

use std::time::Duration;

use purlin::{
    clock::Clock,
    error::{Code, ServiceError as _},
};
use purlin_http_client::ErrorKind;
use purlin_resilience::{Error as Guarded, State};
use purlin_testing::{Fault, FaultProxy, MockServer, Reply, When, eventually};

use crate::support::{client, client_on, config};

#[tokio::test]
async fn the_breaker_opens_while_the_upstream_is_cut_and_closes_when_it_is_back() {
    let bank = MockServer::start();
    bank.mock(When::get("/rates"), Reply::status(200)).times(1..);
    let proxy = FaultProxy::start(bank.address());
    let (clock, hand) = Clock::held();
    let mut config = config(&proxy.url());
    config.guard.retry.attempts = 1;
    let breaker = &mut config.guard.breaker;
    (breaker.enabled, breaker.consecutive_failures, breaker.probes) = (true, 3, 1);
    (breaker.open_for, breaker.jitter) = (Duration::from_secs(5), 0.0);
    let client = client_on(&config, clock);
    let state = || client.guard().breaker().unwrap().state();

    proxy.set(Fault::Cut);
    for _ in 0..3 {
        let error = client.get("/rates").send().await.unwrap_err();
        assert_eq!((error.code(), error.attempts()), (Code::Unavailable, 1));
    }
    assert_eq!((state(), proxy.connections()), (State::Open, 3));
    for _ in 0..10 {
        let error = client.get("/rates").send().await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Guard(Guarded::Open(_))), "{error}");
        assert_eq!(error.attempts(), 0);
    }
    assert_eq!(proxy.connections(), 3, "an open breaker connects to nothing");

    hand.advance(Duration::from_secs(5));
    client.get("/rates").send().await.unwrap_err();
    assert_eq!((state(), proxy.connections()), (State::Open, 4));

    proxy.heal();
    hand.advance(Duration::from_secs(5));
    client.get("/rates").send().await.unwrap();
    assert_eq!(state(), State::Closed);
}

#[tokio::test]
async fn an_answer_that_breaks_off_counts_against_the_upstream() {
    let bank = MockServer::start();
    bank.mock(When::get("/rates"), Reply::status(200).text("x".repeat(5000))).times(2..);
    let proxy = FaultProxy::start(bank.address());
    let client = client(&config(&proxy.url()));
    proxy.set(Fault::CutAfter(1000));
    let error = client.get("/rates").send().await.unwrap_err();
    assert!(error.to_string().contains("the answer broke off: "), "{error}");
    assert_eq!((error.attempts(), proxy.connections()), (3, 3));

    proxy.heal();
    assert_eq!(client.get("/rates").send().await.unwrap().body().len(), 5000);
}

#[tokio::test]
async fn a_connection_that_was_lost_while_idle_costs_nothing() {
    let bank = MockServer::start();
    bank.mock(When::get("/rates"), Reply::status(200)).times(2);
    let proxy = FaultProxy::start(bank.address());
    let client = client(&config(&proxy.url()));
    client.get("/rates").send().await.unwrap();
    proxy.sever();
    eventually(async || proxy.open() == 0).await;
    client.get("/rates").send().await.unwrap();
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn too_many_requests_in_flight_are_refused() {
    let bank = MockServer::start();
    let asked = bank.mock(When::get("/rates"), Reply::silence());
    let mut config = config(&bank.url());
    (config.guard.bulkhead.max_concurrent, config.guard.bulkhead.max_waiting) = (1, 0);
    let client = client(&config);
    let refused = async {
        eventually(async || asked.calls() == 1).await;
        client.get("/rates").send().await.unwrap_err()
    };
    tokio::select! {
        answer = client.get("/rates").send() => panic!("{answer:?}"),
        error = refused => {
            assert!(matches!(error.kind, ErrorKind::Guard(Guarded::Full(_))), "{error}");
            assert_eq!(error.code(), Code::ResourceExhausted);
        }
    }
}
