//! Tables of routes and what is served of them.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRef, Path, State},
    routing::MethodFilter,
};
use http::Uri;
use purlin::needs::Interface;
use purlin_http::{
    Options,
    routes::{Posture, Routes, any, get, on},
    service,
};

use crate::support::{Answer, start};

trait Greeter: Interface {
    fn greet(&self, name: &str) -> String;
}

struct Polite;

impl Greeter for Polite {
    fn greet(&self, name: &str) -> String {
        format!("good day, {name}")
    }
}

#[derive(Clone, FromRef)]
struct Both {
    greeter: Arc<dyn Greeter>,
    number: u32,
}

async fn greet(State(greeter): State<Arc<dyn Greeter>>, Path(name): Path<String>) -> String {
    greeter.greet(&name)
}

async fn uri(uri: Uri) -> String {
    uri.path().to_owned()
}

#[tokio::test]
async fn the_state_may_be_a_trait_or_a_struct_of_several() {
    let app = start(
        Routes::new().public("/greet/{name}", get(greet)),
        Arc::new(Polite) as Arc<dyn Greeter>,
    );
    assert_eq!(app.get("/greet/ada").await.text, "good day, ada");

    let routes = Routes::new()
        .public("/greet/{name}", get(greet))
        .public("/number", get(async |State(number): State<u32>| number.to_string()));
    let app = start(routes, Both { greeter: Arc::new(Polite), number: 7 });
    assert_eq!(app.get("/greet/ada").await.text, "good day, ada");
    assert_eq!(app.get("/number").await.text, "7");
}

#[tokio::test]
async fn methods_of_a_path_may_be_added_apart() {
    let routes = Routes::<()>::new()
        .public("/a", get(async || "get").post(async || "post"))
        .public("/a", on(MethodFilter::PUT.or(MethodFilter::PATCH), async || "put or patch"))
        .public("/b", get(async || "get"))
        .public("/b", any(async || "any"));
    let app = start(routes, ());
    let text = async |method: &str, path: &str| Answer::of(app.request(method, path)).await.text;
    assert_eq!(text("GET", "/a").await, "get");
    assert_eq!(text("POST", "/a").await, "post");
    assert_eq!(text("PUT", "/a").await, "put or patch");
    assert_eq!(text("PATCH", "/a").await, "put or patch");
    assert_eq!(text("HEAD", "/a").await, "");
    assert_eq!(text("GET", "/b").await, "get");
    assert_eq!(text("DELETE", "/b").await, "any");
    let answer = Answer::of(app.request("DELETE", "/a")).await;
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "GET,HEAD,POST,PUT,PATCH");
}

#[tokio::test]
async fn an_axum_router_stands_behind_the_table() {
    fn with_state(greeter: Arc<dyn Greeter>) -> Router {
        Router::new().route("/old/{name}", axum::routing::get(greet)).with_state(greeter)
    }
    fn without_state() -> Router<Arc<dyn Greeter>> {
        Router::new()
            .route("/old/{name}", axum::routing::get(greet))
            .route("/new", axum::routing::get(async || "old"))
            .route("/", axum::routing::get(uri))
            .fallback(async || "its own fallback")
    }
    let state = || Arc::new(Polite) as Arc<dyn Greeter>;

    let alone = start(Routes::from_axum(Posture::Public, with_state), state());
    assert_eq!(alone.get("/old/ada").await.text, "good day, ada");
    alone.get("/else").await.problem(404, "not_found");
    assert!(alone.get("/old/ada").await.headers.contains_key("x-correlation-id"));

    let mixed = Routes::new()
        .public("/new", get(async || "new"))
        .merge(Routes::from_axum(Posture::Public, without_state))
        .nest("/sub", Routes::from_axum(Posture::Public, with_state))
        .nest("/sub", Routes::new().public("/", get(uri)).public("/x", get(uri)));
    let mixed = start(mixed, state());
    assert_eq!(mixed.get("/new").await.text, "new");
    assert_eq!(mixed.get("/old/ada").await.text, "good day, ada");
    assert_eq!(mixed.get("/sub/old/ada").await.text, "good day, ada");
    assert_eq!(mixed.get("/sub").await.text, "/sub");
    assert_eq!(mixed.get("/sub/x").await.text, "/sub/x");
    assert_eq!(mixed.get("/else").await.text, "its own fallback");
    assert_eq!(mixed.get("/sub/else").await.text, "its own fallback");
}

#[tokio::test]
async fn a_layer_is_around_the_routes_before_it() {
    let mark = |text: &'static str| {
        axum::middleware::map_response(async move |mut response: axum::response::Response| {
            response.headers_mut().insert("mark", text.parse().unwrap());
            response
        })
    };
    let routes = Routes::<()>::new()
        .public("/in", get(async || ()))
        .merge(Routes::from_axum(Posture::Public, || {
            Router::new().route("/old", axum::routing::get(async || ()))
        }))
        .layer(mark("all"))
        .public("/out", get(async || ()))
        .public("/one", get(async || ()).layer(mark("one")).post(async || ()));
    let app = start(routes, ());
    let mark = async |method: &str, path: &str| {
        let answer = Answer::of(app.request(method, path)).await;
        answer.headers.get("mark").map(|mark| mark.to_str().unwrap().to_owned())
    };
    assert_eq!(mark("GET", "/in").await.as_deref(), Some("all"));
    assert_eq!(mark("GET", "/old").await.as_deref(), Some("all"));
    assert_eq!(mark("GET", "/out").await, None);
    assert_eq!(mark("GET", "/one").await.as_deref(), Some("one"));
    assert_eq!(mark("POST", "/one").await, None);
}

#[test]
fn the_table_shows_what_each_route_is() {
    fn old() -> Router<Arc<dyn Greeter>> {
        Router::new()
    }
    let routes = Routes::new()
        .public("/greet/{name}", get(greet))
        .nest(
            "/api",
            Routes::new()
                .secured("/", get(uri).requires("api:read").post(uri).requires("api:write")),
        )
        .nest("/old", Routes::from_axum(Posture::Secured, old));
    let expected = "\
METHOD  PATH           POSTURE  REQUIRES   HANDLER
GET     /greet/{name}  public   -          it::routes::greet
GET     /api           secured  api:read   it::routes::uri
POST    /api           secured  api:write  it::routes::uri
*       /old/…         secured  -          it::routes::the_table_shows_what_each_route_is::old
";
    assert_eq!(routes.to_string(), expected);
}

#[test]
fn routes_with_problems_are_not_served() {
    let routes = Routes::<()>::new()
        .public("/a/{id}", get(uri))
        .public("/a/{name}", get(uri))
        .public("/b", get(uri).get(uri));
    let error = service(routes, (), &Options::default()).unwrap_err();
    assert_eq!(error.0.len(), 2, "{error}");
}
