//! A collector of OpenTelemetry, with files that it writes what it receives to.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use purlin_testing::{Authority, eventually};
use serde_json::Value;

/// A collector that runs until this is dropped.
pub(crate) struct Collector {
    program: String,
    child: Child,
    directory: tempfile::TempDir,
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
}

/// One span, as the collector got it.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) kind: u64,
    /// 0 is unset, 2 an error.
    pub(crate) status: u64,
    attributes: Vec<(String, Value)>,
    pub(crate) service: String,
}

// === impl Collector ===

impl Collector {
    pub(crate) async fn start(program: &str) -> Self {
        Self::with_tls(program, "").await
    }

    /// One that shows a certificate for `localhost`, and takes nothing from who shows none.
    pub(crate) async fn start_tls(program: &str, authority: &Authority) -> Self {
        let (own, ca) = (authority.issue(&["localhost"]), authority.ca());
        let tls = format!(
            ", tls: {{cert_file: {}, key_file: {}, client_ca_file: {}}}",
            own.cert.display(),
            own.key.display(),
            ca.display()
        );
        Self::with_tls(program, &tls).await
    }

    async fn with_tls(program: &str, tls: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (grpc, http) = (free(), free());
        let config = directory.path().join("config.yaml");
        fs::write(&config, configuration(directory.path(), grpc, http, tls)).unwrap();
        let child = Command::new(program)
            .arg("--config")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.path().join("said")).unwrap())
            .spawn()
            .unwrap();
        let mut collector = Self { program: program.to_owned(), child, directory, grpc, http };
        let is_up = async || {
            // One that has ended says why.
            assert!(collector.child.try_wait().unwrap().is_none(), "{}", collector.said());
            TcpStream::connect(grpc).is_ok() && TcpStream::connect(http).is_ok()
        };
        eventually(is_up).await;
        collector
    }

    /// Which version it is.
    pub(crate) fn version(&self) -> String {
        let output = Command::new(&self.program).arg("--version").output().unwrap();
        String::from_utf8_lossy(&output.stdout).split_whitespace().last().unwrap().to_owned()
    }

    fn lines(&self, signal: &str) -> Vec<Value> {
        let text = fs::read_to_string(file(self.directory.path(), signal)).unwrap_or_default();
        // The last line may be half written.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for line in self.lines("traces") {
            for resource in array(&line["resourceSpans"]) {
                let service = attribute(&resource["resource"]["attributes"], "service.name");
                for scope in array(&resource["scopeSpans"]) {
                    spans
                        .extend(array(&scope["spans"]).iter().map(|span| Span::of(span, &service)));
                }
            }
        }
        spans
    }

    /// Each log record: the message, its trace and its attributes.
    pub(crate) fn logs(&self) -> Vec<(String, String, Value)> {
        let mut logs = Vec::new();
        for line in self.lines("logs") {
            for scope in array(&line["resourceLogs"]).iter().flat_map(|it| array(&it["scopeLogs"]))
            {
                logs.extend(array(&scope["logRecords"]).iter().map(|record| {
                    let message = text(&record["body"]["stringValue"]);
                    (message, text(&record["traceId"]), record["attributes"].clone())
                }));
            }
        }
        logs
    }

    /// The names of the metrics.
    pub(crate) fn metrics(&self) -> Vec<String> {
        let lines = self.lines("metrics");
        let scopes = lines
            .iter()
            .flat_map(|line| array(&line["resourceMetrics"]))
            .flat_map(|resource| array(&resource["scopeMetrics"]));
        scopes.flat_map(|scope| array(&scope["metrics"])).map(|it| text(&it["name"])).collect()
    }

    /// The value of a series, as the last report has it that it is in.
    pub(crate) fn sum(&self, metric: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let lines = self.lines("metrics");
        let metrics = lines
            .iter()
            .flat_map(|line| array(&line["resourceMetrics"]))
            .flat_map(|resource| array(&resource["scopeMetrics"]))
            .flat_map(|scope| array(&scope["metrics"]))
            .filter(|it| it["name"] == metric);
        let mut points = metrics.flat_map(|it| array(&it["sum"]["dataPoints"]));
        let has = |point: &&Value| {
            labels.iter().all(|(name, value)| attribute(&point["attributes"], name) == *value)
        };
        points.rfind(has)?["asDouble"].as_f64()
    }

    /// What the collector itself said, for a test that fails.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.directory.path().join("said")).unwrap_or_default()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// === impl Span ===

impl Span {
    fn of(span: &Value, service: &str) -> Self {
        let attributes =
            array(&span["attributes"]).iter().map(|it| (text(&it["key"]), it["value"].clone()));
        Self {
            trace: text(&span["traceId"]),
            id: text(&span["spanId"]),
            parent: text(&span["parentSpanId"]),
            name: text(&span["name"]),
            kind: span["kind"].as_u64().unwrap_or_default(),
            status: span["status"]["code"].as_u64().unwrap_or_default(),
            attributes: attributes.collect(),
            service: service.to_owned(),
        }
    }

    /// An attribute as text; empty where there is none.
    pub(crate) fn attribute(&self, name: &str) -> String {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| scalar(value)).unwrap_or_default()
    }
}

/// The value of an attribute, as text.
pub(crate) fn attribute(attributes: &Value, name: &str) -> String {
    let found = array(attributes).iter().find(|it| it["key"] == name);
    found.map(|it| scalar(&it["value"])).unwrap_or_default()
}

/// `{"stringValue":"a"}`, `{"intValue":"1"}`.
fn scalar(value: &Value) -> String {
    value.as_object().and_then(|it| it.values().next()).map(text).unwrap_or_default()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn file(directory: &Path, signal: &str) -> PathBuf {
    directory.join(format!("{signal}.jsonl"))
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn configuration(directory: &Path, grpc: SocketAddr, http: SocketAddr, tls: &str) -> String {
    let mut text = format!(
        "receivers:\n  otlp: {{protocols: {{grpc: {{endpoint: \"{grpc}\"{tls}}}, http: {{endpoint: \"{http}\"{tls}}}}}}}\n\
         service:\n  telemetry: {{metrics: {{level: none}}, logs: {{level: warn}}}}\n  pipelines:\n"
    );
    let mut exporters = "exporters:\n".to_owned();
    for signal in ["traces", "metrics", "logs"] {
        let path = file(directory, signal);
        text += &format!("    {signal}: {{receivers: [otlp], exporters: [file/{signal}]}}\n");
        exporters +=
            &format!("  file/{signal}: {{path: {}, flush_interval: 50ms}}\n", path.display());
    }
    text + &exporters
}
