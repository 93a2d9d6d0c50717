//! What is repeated, how often, and when.

use std::time::Duration;

use purlin::clock::{Clock, Instant};
use purlin_http_client::HttpClientConfig;
use purlin_testing::{Fault, FaultProxy, MockServer, Reply, When, eventually};

use crate::support::{client, client_on, config};

#[tokio::test]
async fn what_is_idempotent_is_repeated_until_it_succeeds() {
    let bank = MockServer::start();
    bank.mock(When::put("/rates"), Reply::status(503).then(Reply::cut().then(Reply::status(204))))
        .times(3);
    let answer = client(&config(&bank.url())).put("/rates").body("7").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.attempts()), (204, 3));
    assert!(bank.received().iter().all(|request| request.text() == "7"));
}

#[tokio::test]
async fn what_is_not_idempotent_is_sent_once() {
    let bank = MockServer::start();
    let client = client(&config(&bank.url()));
    bank.mock(When::post("/busy"), Reply::status(503).retry_after(0)).times(1);
    assert_eq!(client.post("/busy").send().await.unwrap().status(), 503);

    bank.mock(When::post("/cut"), Reply::cut()).times(1);
    let error = client.post("/cut").send().await.unwrap_err();
    assert_eq!(error.attempts(), 1);
    let text = error.to_string();
    assert!(text.contains("/cut: the connection broke: "), "{text}");

    bank.mock(When::get("/once"), Reply::cut()).times(1);
    client.get("/once").repeatable(false).send().await.unwrap_err();
}

#[tokio::test]
async fn a_key_makes_it_safe_to_repeat() {
    let bank = MockServer::start();
    let answers = Reply::cut().then(Reply::status(201));
    bank.mock(When::post("/charges").header("idempotency-key", "k-7"), answers).times(2);
    let request = client(&config(&bank.url())).post("/charges").idempotency_key("k-7");
    assert_eq!(request.send().await.unwrap().attempts(), 2);
}

#[tokio::test]
async fn what_was_not_sent_is_tried_again_whatever_it_is() {
    let bank = MockServer::start();
    let proxy = FaultProxy::start(bank.address());
    proxy.set(Fault::Refuse);
    eventually(async || tokio::net::TcpStream::connect(proxy.address()).await.is_err()).await;
    let before = proxy.connections();
    let error = client(&config(&proxy.url())).post("/charges").send().await.unwrap_err();
    assert_eq!((error.attempts(), proxy.connections()), (3, before));
    assert_eq!(bank.received().len(), 0);
}

#[tokio::test]
async fn other_answers_are_not_repeated() {
    let bank = MockServer::start();
    let client = client(&config(&bank.url()));
    for status in [200, 304, 400, 404, 409, 500, 501] {
        bank.mock(When::get("/rates"), Reply::status(status)).times(1);
        assert_eq!(client.get("/rates").send().await.unwrap().status(), status);
    }
    for status in [408, 429, 502, 503, 504] {
        bank.mock(When::get("/rates"), Reply::status(status)).times(3);
        let answer = client.get("/rates").send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.attempts()), (status, 3));
    }
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let bank = MockServer::start();
    // The held wall clock begins with the year 2030.
    let date = Reply::status(429).header("retry-after", "Tue, 01 Jan 2030 00:01:00 GMT");
    let answers = Reply::status(503).retry_after(7).then(date.then(Reply::status(200)));
    bank.mock(When::get("/rates"), answers).times(3);
    let (clock, hand) = Clock::held();
    let mut config = config(&bank.url());
    config.guard.timeout = Duration::ZERO;
    config.guard.deadline = Duration::ZERO;
    let client = client_on(&config, clock.clone());
    let time = async {
        for waited in [7, 53] {
            hand.sleepers(1).await;
            assert_eq!(hand.advance_to_next(), Some(Duration::from_secs(waited)));
        }
    };
    let (answer, ()) = tokio::join!(client.get("/rates").send(), time);
    assert_eq!(
        (answer.unwrap().attempts(), clock.now() - Instant::START),
        (3, Duration::from_secs(60))
    );
}

#[tokio::test]
async fn an_upstream_that_asks_for_more_time_than_there_is_gets_no_second_request() {
    let bank = MockServer::start();
    bank.mock(When::get("/rates"), Reply::status(503).retry_after(3600)).times(1);
    let answer = client(&config(&bank.url())).get("/rates").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.attempts()), (503, 1));
}

#[tokio::test]
async fn an_outage_is_not_multiplied() {
    let bank = MockServer::start();
    let asked = bank.mock(When::get("/rates"), Reply::status(503));
    let config = {
        let mut config: HttpClientConfig = config(&bank.url());
        let budget = &mut config.guard.retry.budget;
        (budget.enabled, budget.burst, budget.ratio, budget.per_second) = (true, 4, 0.1, 0.0);
        config
    };
    let client = client_on(&config, Clock::held().0);
    let mut attempts = Vec::new();
    for _ in 0..20 {
        attempts.push(client.get("/rates").send().await.unwrap().attempts());
    }
    // Four from the start, and one for ten calls.
    assert_eq!(attempts[..2], [3, 3]);
    assert_eq!(asked.calls(), 20 + 4 + 2 - 1, "{attempts:?}");
}
