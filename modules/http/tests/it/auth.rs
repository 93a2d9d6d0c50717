//! Secured routes.

use std::{sync::Arc, time::Duration};

use axum::Router;
use http::{header::AUTHORIZATION, request::Parts};
use purlin::{async_trait, clock::Clock};
use purlin_http::{
    Options,
    auth::{AuthError, Authenticator, Principal},
    routes::{Posture, Routes, any, delete, get},
};

use crate::support::{Answer, Log, Running, start_with};

/// Takes the token for the name of the caller, and `writer` for one who may write.
struct Names;

#[async_trait]
impl Authenticator for Names {
    async fn authenticate(&self, request: &Parts) -> Result<Principal, AuthError> {
        let header = request.headers.get(AUTHORIZATION).ok_or(AuthError::Missing)?;
        match header.to_str().unwrap().strip_prefix("Bearer ") {
            Some("down") => Err(AuthError::unavailable(purlin::error::anyhow!("no route to host"))),
            Some("writer") => Ok(Principal::new("writer").permission("orders:write")),
            Some(name) => Ok(Principal::new(name)),
            None => Err(AuthError::Invalid("it is not a bearer token".to_owned())),
        }
    }
}

fn routes() -> Routes {
    let whoami = async |caller: Principal| caller.subject;
    Routes::new()
        .public("/orders/{id}", get(async || "public"))
        .secured("/orders/{id}", delete(whoami).requires("orders:write"))
        .secured("/me", get(whoami))
        .secured("/any", any(whoami))
        .public("/wrong", get(whoami))
}

fn options() -> Options {
    Options { authenticator: Some(Arc::new(Names)), ..Options::default() }
}

fn start(routes: Routes) -> Running {
    start_with(routes, (), &options())
}

async fn send(app: &Running, method: &str, path: &str, authorization: Option<&str>) -> Answer {
    let request = app.request(method, path);
    Answer::of(match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    })
    .await
}

#[tokio::test]
async fn callers_are_asked_who_they_are() {
    let app = start(routes());
    for (method, path) in
        [("DELETE", "/orders/1"), ("GET", "/me"), ("GET", "/any"), ("PUT", "/any")]
    {
        let answer = send(&app, method, path, None).await;
        answer.problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let answer = send(&app, "GET", "/me", Some("Basic x")).await;
    let problem = answer.problem(401, "unauthenticated");
    assert_eq!(problem["detail"], "the credentials are not valid");
    assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");

    assert_eq!(send(&app, "HEAD", "/me", None).await.status, 401);
    assert_eq!(send(&app, "GET", "/me", Some("Bearer ada")).await.text, "ada");
    assert_eq!(send(&app, "PUT", "/any", Some("Bearer ada")).await.text, "ada");
}

#[tokio::test]
async fn a_permission_is_asked_of_its_own_method_only() {
    let app = start(routes());
    let answer = send(&app, "DELETE", "/orders/1", Some("Bearer ada")).await;
    let problem = answer.problem(403, "permission_denied");
    assert_eq!(problem["detail"], "`ada` does not have the permission `orders:write`");
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer error=\"insufficient_scope\", scope=\"orders:write\""
    );
    assert_eq!(send(&app, "DELETE", "/orders/1", Some("Bearer writer")).await.text, "writer");
    assert_eq!(send(&app, "GET", "/orders/1", None).await.text, "public");
    send(&app, "PATCH", "/orders/1", None).await.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn an_authenticator_that_is_down_lets_nobody_in() {
    let log = Log::capture();
    let app = start(routes());
    let problem = send(&app, "GET", "/me", Some("Bearer down")).await.problem(503, "unavailable");
    assert_eq!(problem["detail"], "the credentials cannot be checked");
    assert_eq!(log.events("purlin_http::layers::guard")[0]["fields"]["error"], "no route to host");
}

#[tokio::test]
async fn that_callers_cannot_be_checked_is_told_once_in_a_while() {
    let log = Log::capture();
    let (clock, hand) = Clock::held();
    let app = start_with(routes(), (), &Options { clock, ..options() });
    for _ in 0..20 {
        send(&app, "GET", "/me", Some("Bearer down")).await.problem(503, "unavailable");
    }
    assert_eq!(log.events("purlin_http::layers::guard").len(), 1);
    hand.advance(Duration::from_secs(10));
    send(&app, "GET", "/me", Some("Bearer down")).await.problem(503, "unavailable");
    let events = log.events("purlin_http::layers::guard");
    assert_eq!(events.len(), 2);
    assert_eq!(
        (&events[1]["level"], &events[1]["fields"]["requests"]),
        (&"WARN".into(), &20.into())
    );
}

#[tokio::test]
async fn a_principal_on_a_public_route_is_a_fault_of_the_service() {
    let app = start(routes());
    send(&app, "GET", "/wrong", Some("Bearer ada")).await.problem(500, "internal");
}

#[tokio::test]
async fn without_an_authenticator_a_secured_route_is_closed() {
    let app = start_with(routes(), (), &Options::default());
    send(&app, "GET", "/me", Some("Bearer ada")).await.problem(500, "internal");
    assert_eq!(send(&app, "GET", "/orders/1", None).await.text, "public");
}

#[tokio::test]
async fn an_axum_router_is_secured_as_a_whole() {
    let router = || {
        let own = async || (http::StatusCode::NOT_FOUND, "its own fallback");
        Router::new().route("/in", axum::routing::get(async || "in")).fallback(own)
    };
    let nested = Routes::new().nest("/old", Routes::from_axum(Posture::Secured, router));
    for (app, prefix) in
        [(start(Routes::from_axum(Posture::Secured, router)), ""), (start(nested), "/old")]
    {
        for path in ["/in", "/elsewhere"] {
            let path = format!("{prefix}{path}");
            send(&app, "GET", &path, None).await.problem(401, "unauthenticated");
        }
        let path = format!("{prefix}/in");
        assert_eq!(send(&app, "GET", &path, Some("Bearer ada")).await.text, "in");
    }
}

#[tokio::test]
async fn layers_of_the_user_see_only_those_who_were_let_in() {
    let layer = axum::middleware::from_fn(
        async |request: axum::extract::Request, next: axum::middleware::Next| {
            assert!(request.extensions().get::<Principal>().is_some());
            next.run(request).await
        },
    );
    let routes = Routes::new().secured("/me", get(async || "me")).layer(layer);
    let app = start(routes);
    send(&app, "GET", "/me", None).await.problem(401, "unauthenticated");
    assert_eq!(send(&app, "GET", "/me", Some("Bearer ada")).await.text, "me");
}
