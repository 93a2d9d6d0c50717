//! Keys that are fetched, and that change.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use purlin::app::AppBuilder;
use purlin_testing::{Client, TestApp, eventually};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    issuer::Issuer,
    log::Log,
    service::{counted, service, status},
    signer::{LATER, RSA, Signer, claims, claims_with},
};

fn of(issuer: &Issuer) -> AppBuilder {
    service().set("jwt.jwks_url", issuer.url())
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let (old, new) = (Signer::fresh("old"), Signer::fresh("new"));
    let issuer = Issuer::start(&[&old]);
    let app = TestApp::start(of(&issuer).set("jwt.jwks_cooldown", "0s")).await;
    assert_eq!(status(&app, &old.token(&claims())).await, 200);
    assert_eq!(issuer.asked(), 1);

    issuer.publish(&[&old, &new]);
    assert_eq!(status(&app, &new.token(&claims())).await, 200);
    assert_eq!(status(&app, &old.token(&claims())).await, 200);
    assert_eq!(issuer.asked(), 2);

    // What was withdrawn is refused from the next fetch on.
    issuer.publish(&[&new]);
    assert_eq!(status(&app, &Signer::fresh("unknown").token(&claims())).await, 401);
    assert_eq!(status(&app, &old.token(&claims())).await, 401);
    assert_eq!(status(&app, &new.token(&claims())).await, 200);
    assert_eq!(counted(&app, "auth_tokens_total", "unknown_key"), 2);
    assert_eq!(counted(&app, "auth_key_fetches_total", "ok"), issuer.asked() as u64);
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn unknown_keys_cost_one_fetch_per_cool_down() {
    let key = Signer::fresh("known");
    let issuer = Issuer::start(&[&key]);
    let app = TestApp::start(of(&issuer).set("jwt.jwks_cooldown", "1h")).await;
    for attempt in 0..50 {
        let forged = Signer::fresh(&format!("forged-{attempt}")).token(&claims());
        assert_eq!(status(&app, &forged).await, 401);
    }
    assert_eq!(issuer.asked(), 1, "the start was a fetch, and the cool-down is not over");
    assert_eq!(status(&app, &key.token(&claims())).await, 200);
}

#[tokio::test]
async fn whoever_forges_decides_neither_how_much_is_fetched_nor_how_much_is_logged() {
    let log = Log::of_process();
    let key = Signer::fresh("known");
    let issuer = Issuer::start(&[&key]);
    let app = TestApp::start_held(of(&issuer)).await;
    issuer.answer(StatusCode::IM_A_TEAPOT, &json!({}));
    let good = key.token(&claims_with("exp", LATER));
    let forged = |attempt: u32| {
        Signer::fresh(&format!("forged-{attempt}")).token(&claims_with("exp", LATER))
    };

    app.hand().advance(Duration::from_secs(10));
    for attempt in 0..30 {
        // It may be good: nobody can tell. Whoever asks again is served by the next fetch.
        let answer = app.http().get("/me").bearer(&forged(attempt)).await.expect(503);
        assert_eq!(answer.header("retry-after"), Some("10"));
        answer.problem("unavailable");
        assert_eq!(status(&app, &good).await, 200);
    }
    assert_eq!(issuer.asked(), 2, "the start, and one for all of them");
    assert_eq!(counted(&app, "auth_key_fetches_total", "error"), 1);
    assert_eq!(counted(&app, "auth_tokens_total", "unavailable"), 30);
    let log = log.text();
    let lines = log.lines().filter(|line| line.contains("teapot") && !line.contains("DEBUG"));
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), 2, "the fetch, and that callers are refused: {lines:#?}");
    assert!(lines.iter().all(|line| line.contains("WARN")), "{lines:#?}");

    app.hand().advance(Duration::from_millis(6_500));
    let answer = app.http().get("/me").bearer(&forged(30)).await.expect(503);
    assert_eq!(answer.header("retry-after"), Some("4"));
    app.hand().advance(Duration::from_millis(3_500));
    issuer.publish(&[&key]);
    assert_eq!(status(&app, &forged(31)).await, 401);
    assert_eq!(issuer.asked(), 3);
}

#[tokio::test]
async fn what_no_key_could_make_good_costs_no_fetch() {
    let issuer = Issuer::start(&[&Signer::fresh("known")]);
    let app = TestApp::start(of(&issuer).set("jwt.jwks_cooldown", "0s")).await;
    issuer.answer(StatusCode::NOT_FOUND, &json!({}));
    let (unknown, secret) = (Signer::fresh("unknown"), Signer::secret("HS256", "x".repeat(64)));
    let cases = [
        (unknown.token(&claims_with("exp", 1_000_000)), "expired"),
        (unknown.token(&claims_with("iss", "https://other.example")), "issuer"),
        (unknown.token(&claims_with("aud", "billing")), "audience"),
        (secret.named("unknown").token(&claims()), "unknown_key"),
    ];
    for (token, outcome) in cases {
        assert_eq!(status(&app, &token).await, 401, "{outcome}");
        assert_eq!(counted(&app, "auth_tokens_total", outcome), 1, "{outcome}");
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn a_token_that_names_no_key_is_looked_up_anew_too() {
    let (old, new) = (Signer::fresh(""), Signer::fresh(""));
    let rsa = Signer::rsa("RS256", RSA);
    let issuer = Issuer::start(&[&old]);
    let app = TestApp::start(of(&issuer).set("jwt.jwks_cooldown", "0s")).await;
    assert_eq!(status(&app, &old.token(&claims())).await, 200);
    assert_eq!(issuer.asked(), 1);

    // The only key that suits is another one now.
    issuer.publish(&[&new]);
    assert_eq!(status(&app, &new.token(&claims())).await, 200);
    // Its algorithm is one that no key had.
    issuer.publish(&[&new, &rsa]);
    assert_eq!(status(&app, &rsa.token(&claims())).await, 200);
    assert_eq!(issuer.asked(), 3);
    // It may be either of two, until there is one again.
    issuer.publish(&[&old, &new]);
    assert_eq!(status(&app, &old.token(&claims())).await, 401);
    issuer.publish(&[&old]);
    assert_eq!(status(&app, &old.token(&claims())).await, 200);
    assert_eq!(status(&app, &new.token(&claims())).await, 401);
    assert_eq!(counted(&app, "auth_tokens_total", "signature"), 1);

    issuer.answer(StatusCode::NOT_FOUND, &json!({}));
    assert_eq!(status(&app, &new.token(&claims())).await, 503);
    assert_eq!(status(&app, &old.token(&claims())).await, 200);
}

#[tokio::test]
async fn many_who_wait_share_one_fetch() {
    let (old, new) = (Signer::fresh("old"), Signer::fresh("new"));
    let issuer = Issuer::start(&[&old]);
    let app = TestApp::start(of(&issuer).set("jwt.jwks_cooldown", "100ms")).await;
    issuer.publish(&[&old, &new]);
    issuer.close();
    // The first to ask may find that the cool-down of the start is not over.
    eventually(async || {
        let (http, token) = (app.http(), new.token(&claims()));
        tokio::select! {
            _ = http.get("/me").bearer(&token) => false,
            () = eventually(async || issuer.asked() == 2) => true,
        }
    })
    .await;

    let mut waiting = JoinSet::new();
    for _ in 0..40 {
        let (http, token) = (app.http(), new.token(&claims()));
        waiting.spawn(async move { http.get("/me").bearer(&token).await.status.as_u16() });
    }
    // Whoever has a known key does not wait for the fetch.
    assert_eq!(status(&app, &old.token(&claims())).await, 200);
    assert_eq!(issuer.asked(), 2);
    issuer.open();
    let statuses = waiting.join_all().await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(issuer.asked(), 2, "one fetch served them all, and its first asker had hung up");
}

#[tokio::test]
async fn keys_are_fetched_anew_now_and_then() {
    let (old, new) = (Signer::fresh("old"), Signer::fresh("new"));
    let issuer = Issuer::start(&[&old]);
    let refreshing = of(&issuer).set("jwt.jwks_refresh", "1s").set("jwt.jwks_cooldown", "1h");
    let app = TestApp::start(refreshing).await;
    issuer.publish(&[&new]);
    app.eventually(async || status(&app, &old.token(&claims())).await == 401).await;
    assert_eq!(status(&app, &new.token(&claims())).await, 200);
}

#[tokio::test]
async fn the_old_keys_stay_while_new_ones_cannot_be_had() {
    let (old, new) = (Signer::fresh("old"), Signer::fresh("new"));
    let issuer = Issuer::start(&[&old]);
    let app = TestApp::start(of(&issuer).set("jwt.jwks_cooldown", "0s")).await;
    assert!(app.health().report().await.healthy);

    let broken = [
        (StatusCode::INTERNAL_SERVER_ERROR, json!({})),
        (StatusCode::FOUND, json!({})),
        (StatusCode::OK, json!("not a set")),
        (StatusCode::OK, json!({ "keys": [] })),
        (StatusCode::OK, json!({ "keys": [Signer::secret("HS256", "x".repeat(64)).jwk()] })),
        (StatusCode::OK, json!({ "keys": ["x".repeat(2 << 20)] })),
    ];
    for (answer, body) in broken {
        issuer.answer(answer, &body);
        // It may be good: nobody can tell.
        let answer = app.http().get("/me").bearer(&new.token(&claims())).await.expect(503);
        answer.problem("unavailable");
        assert_eq!(status(&app, &old.token(&claims())).await, 200);
    }
    assert_eq!(counted(&app, "auth_key_fetches_total", "error"), 6);
    // Rounds of health checks are shared for a second.
    app.eventually(async || !app.health().report().await.healthy).await;
    let report = app.health().report().await;
    let check = report.checks.iter().find(|check| check.name == "jwt").unwrap();
    let error = check.error.as_deref().unwrap();
    assert!(error.contains("cannot be fetched") && error.contains("longer than"), "{error}");

    issuer.publish(&[&new]);
    assert_eq!(status(&app, &new.token(&claims())).await, 200);
    app.eventually(async || app.health().report().await.healthy).await;
}

#[tokio::test]
async fn a_rotation_under_load_refuses_nobody() {
    let first = Arc::new(Signer::fresh("0"));
    let issuer = Issuer::start(&[&first]);
    let app = TestApp::start(of(&issuer).set("jwt.jwks_cooldown", "0s")).await;
    let current = Arc::new(Mutex::new(first.clone()));
    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut load = JoinSet::new();
    for _ in 0..8 {
        load.spawn(bearer(app.http(), current.clone(), over.clone(), answered.clone()));
    }
    let mut previous = first;
    for turn in 1..=5 {
        let next = Arc::new(Signer::fresh(&turn.to_string()));
        // As issuers do it: publish, then sign with it; the old one stays until its tokens expired.
        issuer.publish(&[&previous, &next]);
        *current.lock().unwrap() = next.clone();
        let seen = answered.load(Ordering::SeqCst);
        eventually(async || answered.load(Ordering::SeqCst) > seen + 40).await;
        previous = next;
    }
    over.store(true, Ordering::SeqCst);
    for refused in load.join_all().await {
        assert_eq!(refused, Vec::<u16>::new());
    }
    assert_eq!(counted(&app, "auth_tokens_total", "ok"), answered.load(Ordering::SeqCst) as u64);
    assert!(issuer.asked() >= 6, "each of the five new keys had to be fetched");
    assert!(app.stop().await.is_clean());
}

/// Calls until it is over, and returns every status but 200.
async fn bearer(
    http: Client,
    signer: Arc<Mutex<Arc<Signer>>>,
    over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
) -> Vec<u16> {
    let mut refused = Vec::new();
    while !over.load(Ordering::SeqCst) {
        let signer = signer.lock().unwrap().clone();
        match http.get("/me").bearer(&signer.token(&claims())).await.status.as_u16() {
            200 => {}
            status => refused.push(status),
        }
        answered.fetch_add(1, Ordering::SeqCst);
    }
    refused
}
