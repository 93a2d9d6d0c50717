use std::{
    fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use purlin_testing::eventually;
use serde_json::Value;

use crate::service::Service;

/// A Prometheus that scrapes one service, until this is dropped.
struct Prometheus {
    child: Child,
    address: String,
    directory: tempfile::TempDir,
}

// === impl Prometheus ===

impl Prometheus {
    fn start(program: &str, service: &Service) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let config = format!(
            "global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}\n\
             scrape_configs: [{{job_name: orders, static_configs: [{{targets: [\"{}\"]}}]}}]\n",
            service.address("admin")
        );
        fs::write(directory.path().join("prometheus.yml"), config).unwrap();
        let child = Command::new(program)
            .current_dir(directory.path())
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.path().join("said")).unwrap())
            .spawn()
            .unwrap();
        Self { child, address, directory }
    }

    /// The value of a query that has one; `None` also while it is not up.
    async fn ask(&mut self, query: &str) -> Option<f64> {
        let said = || fs::read_to_string(self.directory.path().join("said")).unwrap_or_default();
        assert!(self.child.try_wait().unwrap().is_none(), "{}", said());
        let url = format!("http://{}/api/v1/query", self.address);
        let answer =
            reqwest::Client::new().get(url).query(&[("query", query)]).send().await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }

    /// Which version it is.
    async fn version(&self) -> String {
        let url = format!("http://{}/api/v1/status/buildinfo", self.address);
        let told: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        told["data"]["version"].as_str().unwrap().to_owned()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn what_is_scraped_can_be_asked_for() {
    let Some(server) = purlin_testing::server("prometheus") else { return };
    let service = Service::start(&[]).await;
    for _ in 0..3 {
        service.ask("GET", "/refused", &[]).await;
    }
    let mut prometheus = Prometheus::start(server.address(), &service);
    let requests =
        r#"http_server_request_duration_seconds_count{method="GET",route="/refused",status="409"}"#;
    eventually(async || prometheus.ask(requests).await == Some(3.0)).await;
    for (query, holds) in [
        ("up", 1.0),
        ("purlin_ready", 1.0),
        (r#"count(purlin_build_info{name="purlin-telemetry"})"#, 1.0),
        (
            r#"histogram_quantile(0.99, sum by (le) (http_server_request_duration_seconds_bucket{route="/refused"})) < bool 10"#,
            1.0,
        ),
        // Its own label of that name is the scrape job.
        (r#"sum(scheduler_runs_total{exported_job="sweep",outcome="failed"}) > bool 0"#, 1.0),
    ] {
        eventually(async || prometheus.ask(query).await == Some(holds)).await;
    }
    let version = prometheus.version().await;
    server.met(&version);
}
