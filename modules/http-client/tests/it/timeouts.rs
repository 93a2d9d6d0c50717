//! Upstreams that do not answer in time, on a held clock.

use std::time::Duration;

use purlin::{
    clock::{Clock, Hand},
    error::{Code, ServiceError as _},
};
use purlin_http_client::{ErrorKind, HttpClient};
use purlin_testing::{Fault, FaultProxy, MockServer, Reply, Way, When, eventually};

use crate::support::{client_on, config};

const TIMEOUT: Duration = Duration::from_secs(10);

fn setup(url: &str) -> (HttpClient, Hand) {
    let (clock, hand) = Clock::held();
    let mut config = config(url);
    config.guard.deadline = Duration::ZERO;
    config.guard.timeout = TIMEOUT;
    (client_on(&config, clock), hand)
}

#[tokio::test]
async fn silence_ends_with_the_timeout() {
    let bank = MockServer::start();
    let asked = bank.mock(When::get("/rates"), Reply::silence());
    let (client, hand) = setup(&bank.url());
    let time = async {
        for attempt in 1..=3 {
            eventually(async || asked.calls() == attempt).await;
            assert_eq!(hand.advance_to_next(), Some(TIMEOUT));
        }
    };
    let (answer, ()) = tokio::join!(client.get("/rates").send(), time);
    let error = answer.unwrap_err();
    assert_eq!((error.code(), error.attempts()), (Code::DeadlineExceeded, 3));
    assert!(error.to_string().contains("bank did not answer within 10s (attempt 3;"), "{error}");
}

#[tokio::test]
async fn a_half_open_connection_ends_with_the_timeout_and_is_not_used_again() {
    let bank = MockServer::start();
    bank.mock(When::get("/rates"), Reply::status(200)).times(2);
    let proxy = FaultProxy::start(bank.address());
    let (client, hand) = setup(&proxy.url());
    client.get("/rates").send().await.unwrap();
    assert_eq!(proxy.connections(), 1);

    proxy.set(Fault::HalfOpen);
    let time = async {
        hand.sleepers(1).await;
        hand.advance(TIMEOUT);
    };
    let request = client.get("/rates").repeatable(false).send();
    let (answer, ()) = tokio::join!(request, time);
    let error = answer.unwrap_err();
    assert_eq!((error.code(), error.attempts()), (Code::DeadlineExceeded, 1));

    proxy.sever();
    proxy.heal();
    client.get("/rates").send().await.unwrap();
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn a_body_that_trickles_in_ends_with_the_timeout() {
    let bank = MockServer::start();
    bank.mock(When::get("/rates"), Reply::status(200).text("x".repeat(10_000))).times(1);
    let (network, pace) = Clock::held();
    let proxy = FaultProxy::start_on(bank.address(), network);
    proxy.set_way(Way::Down, Fault::Slice { bytes: 1000, pause: Duration::from_secs(1) });
    let (client, hand) = setup(&proxy.url());
    let time = async {
        // The head comes, and half of the body.
        for _ in 0..5 {
            pace.sleepers(1).await;
            pace.advance_to_next();
        }
        pace.sleepers(1).await;
        assert_eq!(proxy.bytes(Way::Down), 5000);
        hand.advance(TIMEOUT);
    };
    let request = client.get("/rates").repeatable(false).send();
    let (answer, ()) = tokio::join!(request, time);
    let error = answer.unwrap_err();
    assert_eq!((error.code(), error.attempts()), (Code::DeadlineExceeded, 1));
}

#[tokio::test]
async fn the_deadline_covers_all_attempts() {
    let bank = MockServer::start();
    let asked = bank.mock(When::get("/rates"), Reply::silence());
    let (clock, hand) = Clock::held();
    let mut config = config(&bank.url());
    (config.guard.timeout, config.guard.deadline) = (TIMEOUT, Duration::from_secs(15));
    let client = client_on(&config, clock);
    let time = async {
        for (attempt, left) in [(1, 10), (2, 5)] {
            eventually(async || asked.calls() == attempt).await;
            hand.advance(Duration::from_secs(left));
        }
    };
    let (answer, ()) = tokio::join!(client.get("/rates").send(), time);
    let error = answer.unwrap_err();
    let ErrorKind::Guard(purlin_resilience::Error::DeadlineExceeded { attempts: 2, .. }) =
        error.kind
    else {
        panic!("{error}")
    };
}
