use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::Shared;
use crate::{
    config::Settings,
    error::{Result, ensure},
    event::Event,
    graph::{Graph, Kind},
    health::{HealthCheck, Stats},
    info::AppInfo,
    page::Page,
};

/// Registers the pages about the application itself.
pub(super) fn register(
    shared: &Shared,
    info: &Arc<AppInfo>,
    graph: &Arc<Graph>,
    settings: &Arc<Settings>,
) {
    let pages = &shared.pages;
    pages.register("version", Arc::new(Fixed(version(info))));
    pages.register("config", Arc::new(Config(settings.clone())));
    pages.register("leaders", shared.leaders.clone());
    pages.register("routes", Arc::new(Fixed(graph.facts("routes").flat_map(rows).collect())));
    let mut documents = openapi(graph, info);
    let documents = match documents.len() {
        1 => documents.remove(0),
        _ => documents.into(),
    };
    pages.register("openapi", Arc::new(Fixed(documents)));
    let states = Arc::new(States::default());
    shared.health.register("runnables", states.clone());
    pages.register("graph", Arc::new(GraphPage { graph: graph.clone(), states: states.clone() }));
    pages.register("modules", Arc::new(Modules { graph: graph.clone(), states: states.clone() }));
    shared.events.listen(move |event| states.see(event));
}

fn rows(table: &Value) -> Vec<Value> {
    table.as_array().cloned().unwrap_or_default()
}

/// The OpenAPI documents of the servers, under the name and version of the program.
pub(super) fn openapi(graph: &Graph, info: &AppInfo) -> Vec<Value> {
    let package = &info.package;
    let named = |document: &Value| {
        let mut document = document.clone();
        document["info"] = json!({ "title": package.name, "version": package.version });
        document
    };
    graph.facts("openapi").map(named).collect()
}

fn version(info: &AppInfo) -> Value {
    json!({
        "name": info.package.name,
        "version": info.package.version,
        "revision": info.package.revision,
        "profile": info.profile,
    })
}

/// A page that never changes.
struct Fixed(Value);

#[async_trait]
impl Page for Fixed {
    async fn read(&self) -> Result<Value> {
        Ok(self.0.clone())
    }
}

/// The effective configuration, redacted, with the origin of each value.
struct Config(Arc<Settings>);

#[async_trait]
impl Page for Config {
    async fn read(&self) -> Result<Value> {
        Ok(self.0.to_json())
    }
}

/// The graph, and once it has been started, what the start had to wait for.
struct GraphPage {
    graph: Arc<Graph>,
    states: Arc<States>,
}

/// All modules and runnables with their state.
struct Modules {
    graph: Arc<Graph>,
    states: Arc<States>,
}

/// What events have told of each module and runnable, by name.
#[derive(Default)]
struct States {
    seen: Mutex<BTreeMap<String, Value>>,
    /// How the start went, once it is over.
    start: OnceLock<Value>,
}

// === impl GraphPage ===

#[async_trait]
impl Page for GraphPage {
    async fn read(&self) -> Result<Value> {
        let mut graph = self.graph.to_json();
        merge(&mut graph, self.states.start.get().cloned().unwrap_or_default());
        Ok(graph)
    }
}

// === impl Modules ===

#[async_trait]
impl Page for Modules {
    async fn read(&self) -> Result<Value> {
        let states = self.states.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let graph = &self.graph;
        let is_told = |kind: Kind| kind.starts() && kind != Kind::Section;
        let nodes = graph.nodes.iter().enumerate().filter(|(_, node)| is_told(node.kind));
        let nodes = nodes.filter(|(at, node)| graph.takes_part(*at) || !node.fallback);
        let mut modules: Vec<_> = nodes
            .map(|(at, node)| {
                let mut state = json!({ "name": node.name, "kind": node.kind.name() });
                let seen = match graph.left_out.get(&at) {
                    Some(why) => Some(json!({ "state": "left out", "why": why.to_string() })),
                    None => states.get(&node.name).cloned(),
                };
                merge(&mut state, seen.unwrap_or_else(|| json!({ "state": "waiting" })));
                state
            })
            .collect();
        // What a module runs is not in the graph.
        for (name, seen) in
            states.iter().filter(|(name, _)| !graph.nodes.iter().any(|node| node.name == **name))
        {
            let mut state = json!({ "name": name, "kind": "runnable" });
            merge(&mut state, seen.clone());
            modules.push(state);
        }
        Ok(modules.into())
    }
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

// === impl States ===

impl States {
    fn see(&self, event: &Event) {
        let (name, state) = match event {
            Event::ModuleStarting { name } | Event::RunnableStarted { name, restarts: 0 } => {
                (name, json!({ "state": "starting" }))
            }
            Event::RunnableStarted { name, restarts } => {
                (name, json!({ "state": "restarting", "restarts": restarts }))
            }
            Event::ModuleStarted { name, took, detail } => {
                (name, json!({ "state": "started", "took_ms": millis(*took), "detail": detail }))
            }
            Event::ModuleFailed { name, error, .. } => {
                (name, json!({ "state": "failed", "error": error }))
            }
            Event::RunnableReady { name, .. } => {
                (name, json!({ "state": "running", "error": null }))
            }
            Event::RunnableEnded { name, end, restart_in } => {
                let state = if restart_in.is_some() { "failed" } else { "ended" };
                (name, json!({ "state": state, "error": end.to_string() }))
            }
            Event::RunnableStopped { name, .. } => (name, json!({ "state": "stopped" })),
            Event::Ready { took, critical_path } => {
                let start = json!({ "ready_in_ms": millis(*took), "critical_path": critical_path });
                // There is one start.
                let _ = self.start.set(start);
                return;
            }
            _ => return,
        };
        let mut states = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        merge(states.entry(name.clone()).or_insert_with(|| json!({})), state);
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// A runnable that failed and waits to be started again is not healthy.
#[async_trait]
impl HealthCheck for States {
    async fn check(&self) -> Result<Stats> {
        let states = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let failed: Vec<_> = states
            .iter()
            .filter(|(_, state)| {
                ["failed", "restarting"].iter().any(|failed| state["state"] == *failed)
            })
            .map(|(name, state)| format!("{name} {}", state["error"].as_str().unwrap_or_default()))
            .collect();
        ensure!(failed.is_empty(), "{}", failed.join("; "));
        let running = states.values().filter(|state| state["state"] == "running").count();
        Ok(Stats::new().with("running", running))
    }
}
