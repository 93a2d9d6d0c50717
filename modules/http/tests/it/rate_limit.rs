//! How many requests a caller may send.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{header::AUTHORIZATION, request::Parts};
use purlin::{async_trait, clock::Clock};
use purlin_http::{
    Options, Routes,
    auth::{AuthError, Authenticator, Principal},
    config::{RateLimitConfig, WhenUnavailable},
    limit::{Decision, LimiterUnavailable, Quota, RateLimiter},
    routes::get,
};

use crate::support::{Answer, Log, Running, start_with};

/// Takes the bearer token for the name of the caller.
struct Names;

#[async_trait]
impl Authenticator for Names {
    async fn authenticate(&self, request: &Parts) -> Result<Principal, AuthError> {
        let header = request.headers.get(AUTHORIZATION).ok_or(AuthError::Missing)?;
        Ok(Principal::new(header.to_str().unwrap().strip_prefix("Bearer ").unwrap()))
    }
}

fn routes() -> Routes {
    Routes::new()
        .public("/orders", get(async || "orders").post(async || "created"))
        .public("/strict", get(async || "strict").rate_limit(Quota::per_minute(1)))
        .public("/free", get(async || "free").unlimited())
        .secured("/me", get(async |caller: Principal| caller.subject))
}

fn config(requests: u32, key: &str) -> RateLimitConfig {
    let per = Duration::from_secs(60);
    let key = key.parse().unwrap();
    RateLimitConfig { enabled: true, requests, per, key, ..RateLimitConfig::default() }
}

fn options(rate_limit: RateLimitConfig) -> Options {
    let clock = Clock::held().0;
    Options { rate_limit, clock, authenticator: Some(Arc::new(Names)), ..Options::default() }
}

async fn send(app: &Running, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = app.request("GET", path);
    Answer::of(headers.iter().fold(request, |it, (name, value)| it.header(*name, *value))).await
}

async fn status(app: &Running, path: &str, headers: &[(&str, &str)]) -> u16 {
    send(app, path, headers).await.status
}

#[tokio::test]
async fn a_caller_is_told_what_is_left_and_when_to_come_back() {
    let (clock, hand) = Clock::held();
    let app = start_with(routes(), (), &Options { clock, ..options(config(2, "client")) });
    for remaining in ["1", "0"] {
        let answer = app.get("/orders").await;
        assert_eq!(answer.text, "orders");
        assert_eq!(answer.header("ratelimit-limit"), "2");
        assert_eq!(answer.header("ratelimit-remaining"), remaining);
    }
    hand.advance(Duration::from_millis(500));
    let refused = app.get("/orders").await;
    let problem = refused.problem(429, "resource_exhausted");
    assert_eq!(problem["detail"], "too many requests; try again in 30 s");
    assert_eq!(refused.header("retry-after"), "30");
    assert_eq!(refused.header("ratelimit-remaining"), "0");
    assert_eq!(refused.header("ratelimit-reset"), "60");
    // A path that does not exist is no way around it, and neither is another method.
    assert_eq!(status(&app, "/nowhere", &[]).await, 429);
    assert_eq!(Answer::of(app.request("POST", "/orders")).await.status, 429);

    hand.advance(Duration::from_secs(30));
    assert_eq!(status(&app, "/orders", &[]).await, 200);
    assert_eq!(status(&app, "/orders", &[]).await, 429);
}

#[tokio::test]
async fn a_route_may_have_a_quota_of_its_own_or_none() {
    let app = start_with(routes(), (), &options(config(1, "client")));
    assert_eq!(status(&app, "/orders", &[]).await, 200);
    assert_eq!(status(&app, "/orders", &[]).await, 429);
    assert_eq!(status(&app, "/strict", &[]).await, 200);
    assert_eq!(status(&app, "/strict", &[]).await, 429);
    for _ in 0..5 {
        let free = send(&app, "/free", &[]).await;
        assert_eq!(free.status, 200);
        assert!(!free.headers.contains_key("ratelimit-limit"));
    }

    let app = start_with(routes(), (), &options(RateLimitConfig::default()));
    for _ in 0..5 {
        assert_eq!(status(&app, "/orders", &[]).await, 200);
    }
    assert_eq!(status(&app, "/strict", &[]).await, 200);
    assert_eq!(status(&app, "/strict", &[]).await, 429);
}

#[tokio::test]
async fn callers_are_told_apart_by_what_the_configuration_names() {
    let app = start_with(routes(), (), &options(config(1, "principal")));
    for name in ["ada", "ben"] {
        let bearer = format!("Bearer {name}");
        assert_eq!(status(&app, "/me", &[("authorization", &bearer)]).await, 200);
        assert_eq!(status(&app, "/me", &[("authorization", &bearer)]).await, 429);
    }
    // Who cannot say who he is does not get so far, and takes nothing from anybody.
    assert_eq!(status(&app, "/me", &[]).await, 401);
    // On a public route nobody is known.
    assert_eq!(status(&app, "/orders", &[]).await, 200);
    assert_eq!(status(&app, "/orders", &[("authorization", "Bearer eve")]).await, 429);

    let app = start_with(routes(), (), &options(config(1, "header:X-Api-Key")));
    assert_eq!(status(&app, "/orders", &[("x-api-key", "a")]).await, 200);
    assert_eq!(status(&app, "/orders", &[("x-api-key", "a")]).await, 429);
    assert_eq!(status(&app, "/orders", &[("x-api-key", "b")]).await, 200);
    assert_eq!(status(&app, "/orders", &[]).await, 200);
    // A key that looks like the address is none.
    assert_eq!(status(&app, "/orders", &[("x-api-key", "client|127.0.0.1")]).await, 200);
    assert_eq!(status(&app, "/orders", &[]).await, 429);
}

#[tokio::test]
async fn forwarded_addresses_count_only_from_proxies_that_are_trusted() {
    let from = |address| [("x-forwarded-for", address)];
    let app = start_with(routes(), (), &options(config(1, "client")));
    assert_eq!(status(&app, "/orders", &from("1.1.1.1")).await, 200);
    assert_eq!(status(&app, "/orders", &from("2.2.2.2")).await, 429, "it is made up");

    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let options = Options { trusted_proxies, ..options(config(1, "client")) };
    let app = start_with(routes(), (), &options);
    assert_eq!(status(&app, "/orders", &from("1.1.1.1")).await, 200);
    assert_eq!(status(&app, "/orders", &from("1.1.1.1")).await, 429);
    assert_eq!(status(&app, "/orders", &from("6.6.6.6, 1.1.1.1")).await, 429, "it is made up");
    assert_eq!(status(&app, "/orders", &from("2.2.2.2")).await, 200);
    assert_eq!(status(&app, "/orders", &from("2001:db8::1")).await, 200);
    assert_eq!(status(&app, "/orders", &from("2001:db8::2")).await, 429, "one subscriber");
    assert_eq!(status(&app, "/orders", &from("2001:db8:0:1::1")).await, 200);
}

/// Any limiter will do: this one is asked over a network that is down at times.
#[derive(Default)]
struct Remote {
    asked: Mutex<Vec<String>>,
    down: bool,
}

#[async_trait]
impl RateLimiter for Remote {
    async fn check(&self, key: &str, quota: Quota) -> Result<Decision, LimiterUnavailable> {
        self.asked.lock().unwrap().push(format!("{key} {:?}", quota.interval()));
        if self.down {
            return Err(LimiterUnavailable(purlin::error::anyhow!("no route to host")));
        }
        Ok(Decision { remaining: 7, reset: Duration::ZERO, retry_after: None })
    }
}

#[tokio::test]
async fn any_limiter_can_be_asked() {
    let remote = Arc::new(Remote::default());
    let options = Options { limiter: Some(remote.clone()), ..options(config(1, "client")) };
    let app = start_with(routes(), (), &options);
    assert_eq!(app.get("/orders").await.header("ratelimit-remaining"), "7");
    app.get("/strict").await;
    app.get("/free").await;
    let asked = remote.asked.lock().unwrap().clone();
    assert_eq!(asked, ["|client|127.0.0.1 60s", "GET /strict|client|127.0.0.1 60s"]);
}

#[tokio::test]
async fn what_a_limiter_that_is_down_means_is_declared() {
    let log = Log::capture();
    for (when_unavailable, expected) in
        [(WhenUnavailable::Open, 200), (WhenUnavailable::Closed, 503)]
    {
        let rate_limit = RateLimitConfig { when_unavailable, ..config(1, "client") };
        let limiter = Arc::new(Remote { down: true, ..Remote::default() });
        let options = Options { limiter: Some(limiter), ..options(rate_limit) };
        let app = start_with(routes(), (), &options);
        assert_eq!(status(&app, "/orders", &[]).await, expected);
    }
    let said = log.events("purlin_http::layers::rate_limit");
    assert_eq!(said.len(), 2);
    assert_eq!(said[0]["fields"]["error"], "the rate limiter is not available: no route to host");
}
