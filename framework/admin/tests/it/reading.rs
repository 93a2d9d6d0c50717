//! What it shows.

use std::sync::Arc;

use axum::http::Method;
use purlin_admin::AdminModule;
use purlin_core::{
    app::{App, AppBuilder},
    async_trait,
    config::NoConfig,
    error::{Result, bail},
    health::{HealthCheck, Stats},
    init::Init,
    module::Module,
};
use purlin_telemetry::{TelemetryModule, meter::undeclared, metrics};
use purlin_testing::TestApp;
use serde_json::{Value, json};

/// A module with one check that passes and one that does as it is told.
struct Checked {
    broken: bool,
}

struct Fine;

struct Maybe(bool);

#[async_trait]
impl HealthCheck for Fine {
    async fn check(&self) -> Result<Stats> {
        Ok(Stats::new().with("connections", 4))
    }
}

#[async_trait]
impl HealthCheck for Maybe {
    async fn check(&self) -> Result<Stats> {
        if self.0 {
            bail!("no route to the broker");
        }
        Ok(Stats::new())
    }
}

impl Module for Checked {
    const NAME: &'static str = "checked";
    type Config = NoConfig;
    type Needs = ();
    type Gives = ();

    async fn init(&self, _: NoConfig, (): (), cx: &mut Init) -> Result<()> {
        cx.health("database", &Arc::new(Fine));
        cx.health("broker", &Arc::new(Maybe(self.broken)));
        Ok(())
    }
}

fn app() -> AppBuilder {
    App::builder()
        .package(purlin_core::package!())
        .shell(TelemetryModule::new())
        .shell(AdminModule)
        .module(Checked { broken: false })
}

#[tokio::test]
async fn health_is_told_per_check() {
    let app = TestApp::start(app()).await;
    let mut health: Value = app.admin().get("/health").await.expect(200).json();
    let time = health["checks"]["database"]["response_time"].take();
    assert!(time.as_str().unwrap().ends_with("ms"), "{time}");
    assert_eq!(health["status"], true);
    assert!(health["response_time"].is_string());
    let database = json!({ "healthy": true, "response_time": null, "stats": { "connections": 4 } });
    assert_eq!(health["checks"]["database"], database);
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn a_failed_check_is_a_503_and_no_reason_to_be_restarted() {
    let app = App::builder()
        .package(purlin_core::package!())
        .shell(AdminModule)
        .module(Checked { broken: true });
    let app = TestApp::start(app).await;
    let health: Value = app.admin().get("/health").await.expect(503).json();
    assert_eq!(health["status"], false);
    assert_eq!(health["checks"]["broker"]["error"], "no route to the broker");
    assert_eq!(health["checks"]["database"]["healthy"], true);
    let _ = app.admin().get("/healthz").await.expect(200);
    let _ = app.admin().get("/readyz").await.expect(200);
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let app = TestApp::start(app()).await;
    let answer = app.admin().get("/metrics").await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    assert!(text.contains("purlin_ready 1\n"), "{text}");
    assert!(text.contains("purlin_build_info{name=\"purlin-admin\","), "{text}");
    for own in [
        "http_server_connections{server=\"admin\"} 1\n",
        "http_server_max_connections{server=\"admin\"} 256\n",
        "http_server_connections_accepted_total{server=\"admin\"} 1\n",
        "http_server_connections_cut_total{reason=\"slow_headers\",server=\"admin\"} 0\n",
    ] {
        assert!(text.contains(own), "no {own:?} in\n{text}");
    }
    let declared = metrics::ALL.iter().chain(purlin_admin::metrics::ALL);
    assert_eq!(undeclared(&text, declared), Vec::<String>::new());
    assert_eq!(
        app.admin().get("/metrics?format=text").await.expect(200).header("content-type"),
        answer.header("content-type")
    );
    assert!(app.stop().await.is_clean());

    let app =
        TestApp::start(App::builder().package(purlin_core::package!()).shell(AdminModule)).await;
    let problem = app.admin().get("/metrics").await.expect(404).problem("not_found");
    assert!(problem["detail"].as_str().unwrap().contains("no telemetry module"), "{problem}");
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn metrics_are_one_number_each_in_json() {
    let app = TestApp::start(app()).await;
    let answer = app.admin().get("/metrics?format=json").await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let metrics: Value = answer.json();
    assert_eq!(metrics["purlin_ready"], 1);
    assert_eq!(metrics["http_server_connections_accepted_total"], 1);
    let problem =
        app.admin().get("/metrics?format=xml").await.expect(400).problem("invalid_argument");
    assert!(problem["detail"].as_str().unwrap().contains("text or json"), "{problem}");
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn the_graph_comes_as_data_and_as_drawings() {
    let app = TestApp::start(app()).await;
    let admin = app.admin();
    let graph: Value = admin.get("/graph").await.expect(200).json();
    assert!(graph["nodes"].as_array().unwrap().iter().any(|node| node["name"] == "checked"));
    assert!(graph["edges"].is_array());
    let dot = admin.get("/graph?format=dot").await.expect(200);
    assert_eq!(dot.header("content-type"), Some("text/vnd.graphviz; charset=utf-8"));
    assert!(dot.text().starts_with("digraph"), "{}", dot.text());
    let mermaid = admin.get("/graph?format=mermaid").await.expect(200).text();
    assert!(mermaid.contains("checked"), "{mermaid}");
    let asked = admin.get("/graph").header("accept", "text/vnd.mermaid").await.expect(200);
    assert_eq!(asked.text(), mermaid);
    let problem = admin.get("/graph?format=png").await.expect(400).problem("invalid_argument");
    assert!(problem["detail"].as_str().unwrap().contains("json, dot or mermaid"), "{problem}");
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn the_index_leads_to_what_there_is_and_nothing_shows_a_secret() {
    let secret = "0123456789-marked-secret";
    let app = app().set("admin.token", secret).set("admin.health_path", "/probes/alive");
    let app = TestApp::start(app).await;
    let admin = app.admin();
    let index = admin.get("/").await.expect(200);
    assert_eq!(index.header("content-type"), Some("text/html; charset=utf-8"));
    let index = index.text();
    let paths: Vec<_> =
        index.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    for path in [
        "/probes/alive",
        "/live",
        "/readyz",
        "/health",
        "/metrics",
        "/graph",
        "/version",
        "/config",
        "/modules",
        "/leaders",
        "/jobs",
    ] {
        assert!(paths.contains(&path), "no {path} in {index}");
    }
    for path in paths {
        let answer = admin.get(path).await.expect(200);
        assert!(!answer.text().contains(secret), "{path} shows the secret");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(answer.header("content-security-policy").is_some(), "{path}");
        let head = admin.request(Method::HEAD, path).await.expect(200);
        assert!(head.body.is_empty(), "{path}");
    }
    let config = admin.get("/config").await.expect(200).text();
    assert!(config.contains("admin.token") || config.contains("\"token\""), "{config}");
    let _ = admin.get("/healthz").await.expect(404);
    assert_eq!(admin.get("/jobs").await.json::<Value>(), json!([]));
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_that_says_what_is() {
    let app = TestApp::start(app()).await;
    let admin = app.admin();
    for path in ["/nothing", "/nothing/at/all"] {
        let problem = admin.get(path).await.expect(404).problem("not_found");
        assert!(problem["detail"].as_str().unwrap().contains(path), "{problem}");
        assert!(problem["endpoints"].as_array().unwrap().contains(&json!("/health")), "{problem}");
    }
    let answer = admin.post("/health").await.expect(405);
    assert!(answer.header("allow").unwrap().contains("GET"));
    let _ = answer.problem("method_not_allowed");
    assert!(app.stop().await.is_clean());
}
