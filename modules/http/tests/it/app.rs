//! The module in an application.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::extract::{FromRef, State};
use http::request::Parts;
use purlin::{
    app::{App, AppBuilder},
    async_trait,
    clock::Clock,
    config::Inputs,
    event::Event,
    module::Module,
    needs::{Interface, Needs},
};
use purlin_http::{
    HttpModule,
    auth::{AuthError, Authenticator, Principal},
    routes::{Routes, delete, get},
};
use purlin_serve::Listener;
use tokio::sync::mpsc;

trait Orders: Interface {
    fn list(&self) -> String;
}

struct Memory;

impl Orders for Memory {
    fn list(&self) -> String {
        "orders".to_owned()
    }
}

struct Nobody;

#[async_trait]
impl Authenticator for Nobody {
    async fn authenticate(&self, _: &Parts) -> Result<Principal, AuthError> {
        Err(AuthError::Missing)
    }
}

type AppState = Arc<dyn Orders>;

async fn list(State(orders): State<AppState>) -> String {
    orders.list()
}

async fn remove(State(_): State<AppState>) {}

fn routes() -> Routes<AppState> {
    Routes::new()
        .public("/orders", get(list))
        .secured("/orders/{id}", delete(remove).requires("orders:write"))
}

fn app() -> AppBuilder {
    App::builder()
        .supply::<dyn Orders>(Arc::new(Memory))
        .set("lifecycle.drain_delay", "0s")
        .set("http.listen", "127.0.0.1:0")
}

fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}

#[tokio::test]
async fn an_application_serves_its_routes_and_drains() {
    let (entered, mut in_handler) = mpsc::channel::<()>(1);
    let slow = move || {
        let entered = entered.clone();
        let slow = async move || {
            entered.send(()).await.unwrap();
            tokio::task::yield_now().await;
            "slow"
        };
        routes().public("/slow", get(slow))
    };
    let events = Arc::new(Mutex::new(Vec::new()));
    let spy = events.clone();
    let running = app()
        .supply::<dyn Authenticator>(Arc::new(Nobody))
        .module(HttpModule::new(slow))
        .on_event(move |event| spy.lock().unwrap().push(event.clone()))
        .start()
        .await
        .unwrap();
    let address = running.address("http").unwrap();
    let text = reqwest::get(url(address, "/orders")).await.unwrap().text().await.unwrap();
    assert_eq!(text, "orders");
    let refused = reqwest::Client::new().delete(url(address, "/orders/1")).send().await.unwrap();
    assert_eq!(refused.status(), 401);

    let request = reqwest::get(url(address, "/slow"));
    let stop = async {
        in_handler.recv().await.unwrap();
        running.stop().await
    };
    let (answer, exit) = tokio::join!(request, stop);
    assert_eq!(answer.unwrap().text().await.unwrap(), "slow");
    assert_eq!(exit.code(), 0, "{exit:?}");
    assert!(reqwest::get(url(address, "/orders")).await.unwrap_err().is_connect());

    let events = events.lock().unwrap();
    let detail = events.iter().find_map(|event| match event {
        Event::ModuleStarted { name, detail, .. } if name == "http" => Some(detail.clone()),
        _ => None,
    });
    assert_eq!(detail.unwrap(), format!("http://{address} · 3 routes: 2 public, 1 secured"));
    let at = |wanted: fn(&Event) -> bool| events.iter().position(wanted).unwrap();
    let listening = at(|event| matches!(event, Event::Listening { name, .. } if name == "http"));
    let ready = at(|event| matches!(event, Event::Ready { .. }));
    assert!(listening < ready, "the socket is bound before the service is ready");
    let stopped = events.iter().find_map(|event| match event {
        Event::RunnableStopped { name, detail, error: None, .. } if name == "http" => Some(detail),
        _ => None,
    });
    let stopped = stopped.unwrap();
    assert!(stopped.contains("closed, ") && stopped.contains("finished"), "{stopped}");
}

#[test]
fn origins_that_no_browser_takes_are_found_before_the_start() {
    let app = app().inputs(Inputs::hermetic()).supply::<dyn Authenticator>(Arc::new(Nobody));
    let app = app.module(HttpModule::new(routes)).set("http.cors.credentials", true);
    let refused = app.set("http.cors.origins", ["https://shop.example", "*"]).build();
    let told = refused.err().unwrap().to_string();
    for line in [
        "`http.cors.origins` and `http.cors.credentials` do not go together: no browser takes",
        "http.cors.credentials = true (.set(..))",
        "fix        name the origins, or set `credentials` to false",
    ] {
        assert!(told.contains(line), "no {line:?} in\n{told}");
    }
}

#[test]
fn what_pages_may_send_is_checked_before_the_start() {
    let app = app().inputs(Inputs::hermetic()).supply::<dyn Authenticator>(Arc::new(Nobody));
    let app = app.module(HttpModule::new(routes));
    let refused = app
        .set("http.cors.methods", ["GET", "PO ST"])
        .set("http.cors.headers", ["x-a, x-b"])
        .set("http.cors.expose", ["", "etag"])
        .build();
    let text = refused.unwrap_err().to_string();
    for said in [
        ("http.cors.methods", "`PO ST` is no name of a method; write one for each element"),
        ("http.cors.headers", "`x-a, x-b` is no name of a header; write one for each element"),
        ("http.cors.expose", "`` is no name of a header"),
    ] {
        let line =
            text.lines().find(|line| line.contains(said.0)).unwrap_or_else(|| panic!("{text}"));
        assert!(line.contains(said.1), "{text}");
    }
}

#[test]
fn a_secured_route_needs_an_authenticator_and_all_problems_are_told() {
    let clashing = || routes().public("/orders", get(list)).public("/orders/{number}", get(list));
    let error = app().module(HttpModule::new(clashing)).validate().unwrap_err().to_string();
    for part in [
        "nothing gives `dyn Authenticator`",
        "DELETE /orders/{id} is secured",
        "`GET /orders` has two handlers",
        "`GET /orders/{number}` and `DELETE /orders/{id}` cannot be told apart",
    ] {
        assert!(error.contains(part), "no {part:?} in\n{error}");
    }
    app()
        .supply::<dyn Authenticator>(Arc::new(Nobody))
        .module(HttpModule::new(routes))
        .validate()
        .unwrap();
}

#[tokio::test]
async fn a_port_in_use_fails_the_start_and_names_the_setting() {
    let taken = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = taken.local_addr().to_string();
    let public = || Routes::<AppState>::new().public("/orders", get(list));
    let app = app().module(HttpModule::new(public)).set("http.listen", address.as_str());
    let error = app.start().await.unwrap_err().to_string();
    let cause = format!("address {address} is in use, perhaps by another instance of this service");
    for part in [&*cause, "\n  set        http.listen (.set(..))\n  fix        stop its holder"] {
        assert!(error.contains(part), "no {part:?} in\n{error}");
    }
}

/// Several needs at once, each of which a handler may take.
#[derive(Clone, FromRef, Needs)]
struct Several {
    orders: AppState,
    clock: Clock,
}

#[tokio::test]
async fn the_state_may_be_a_struct_of_needs() {
    async fn both(State(orders): State<AppState>, State(clock): State<Clock>) -> String {
        assert!(clock.now() >= purlin::clock::Instant::START);
        orders.list()
    }
    let routes = || Routes::<Several>::new().public("/orders", get(both));
    let running = app().module(HttpModule::new(routes)).start().await.unwrap();
    let answer = reqwest::get(url(running.address("http").unwrap(), "/orders")).await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "orders");
    assert_eq!(running.stop().await.code(), 0);
}

purlin::name!(Internal);

#[tokio::test]
async fn two_servers_are_two_sections() {
    let public = || Routes::<AppState>::new().public("/orders", get(list));
    let running = app()
        .module(HttpModule::new(public))
        .module(HttpModule::new(public).named::<Internal>())
        .set("http@internal.listen", "127.0.0.1:0")
        .set("http@internal.layers.correlation_id", false)
        .start()
        .await
        .unwrap();
    let (one, other) =
        (running.address("http").unwrap(), running.address("http@internal").unwrap());
    assert_ne!(one, other);
    for (address, correlated) in [(one, true), (other, false)] {
        let answer = reqwest::get(url(address, "/orders")).await.unwrap();
        assert_eq!(answer.headers().contains_key("x-correlation-id"), correlated);
    }
    assert_eq!(running.stop().await.code(), 0);
}

#[tokio::test]
async fn the_documentation_is_served_in_development_and_where_it_is_asked_for() {
    let public = || Routes::<AppState>::new().public("/orders", get(list));
    let package = purlin::package!();
    for (profile, serve, expected) in
        [("dev", "dev", 200), ("prod", "dev", 404), ("prod", "always", 200), ("dev", "never", 404)]
    {
        let mut inputs = Inputs::hermetic();
        inputs.profile = Some(profile.to_owned());
        let running = app()
            .package(package.clone())
            .inputs(inputs)
            .set("http.listen", "127.0.0.1:0")
            .set("lifecycle.drain_delay", "0s")
            .set("http.openapi.serve", serve)
            .module(HttpModule::new(public))
            .start()
            .await
            .unwrap();
        let address = running.address("http").unwrap();
        for path in ["/openapi.json", "/docs"] {
            let answer = reqwest::get(url(address, path)).await.unwrap();
            assert_eq!(answer.status(), expected, "{path} {profile} {serve}");
        }
        assert_eq!(running.stop().await.code(), 0);
    }
}
