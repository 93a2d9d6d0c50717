use std::sync::Arc;

use super::{
    AppBuilder, BuildError,
    builder::Supply,
    error::BuildProblem,
    part::{Part, Start},
    together::{StopPlan, clashing_servers},
};
use crate::{
    clock::Clock,
    config::{Config, Secrets, Section, Settings},
    entropy::Entropy,
    event::{Event, Events},
    graph::{Checks, Graph, Kind, Node},
    health::HealthRegistry,
    info::{self, AppInfo, Package},
    key::Key,
    leader::{LeaderConfig, LeaseStore, LocalLeasesModule, LocalPolicy},
    lifecycle::LifecycleConfig,
    meter::Meter,
    module::Module,
    needs::Need,
    page::Pages,
    readiness::Readiness,
    registry::Registry,
    runnable::RunSpec,
    shutdown::ShutdownHandle,
    spawner::Spawner,
};

/// An application that can be started: its graph is sound, its configuration is valid.
pub struct App {
    pub(super) info: Arc<AppInfo>,
    pub(super) graph: Arc<Graph>,
    pub(super) starts: Vec<Option<Start>>,
    pub(super) registry: Registry,
    pub(super) supplied: Vec<Supply>,
    pub(super) hooks: Vec<RunSpec>,
    pub(super) settings: Arc<Settings>,
    pub(super) sections: Vec<Section>,
    pub(super) clock: Clock,
    pub(super) entropy: Entropy,
    pub(super) listeners: Vec<Box<dyn Fn(&Event) + Send + Sync>>,
    pub(super) lifecycle: LifecycleConfig,
    pub(super) leader: LeaderConfig,
    pub(super) runtime: super::RuntimeConfig,
    pub(super) warnings: Vec<String>,
}

pub(super) fn validate(builder: AppBuilder) -> Result<(), BuildError> {
    let sections = sections(&builder.parts);
    let (settings, problems) = Settings::defaults(&sections);
    assemble(builder, settings, sections, problems.into_iter().map(Into::into).collect()).map(drop)
}

pub(super) fn build(mut builder: AppBuilder) -> Result<App, BuildError> {
    let debug = builder.package.as_ref().is_some_and(|package| package.debug);
    let mut inputs = std::mem::take(&mut builder.inputs);
    inputs.default_profile = if debug { info::DEV } else { info::PROD }.to_owned();
    let sections = sections(&builder.parts);
    let (settings, problems) = Settings::load(inputs, &sections);
    assemble(builder, settings, sections, problems.into_iter().map(Into::into).collect())
}

/// All sections. Two nodes with one section are found by the settings.
fn sections(parts: &[Part]) -> Vec<Section> {
    parts.iter().filter_map(|part| part.node.section.clone()).collect()
}

fn assemble(
    builder: AppBuilder,
    settings: Settings,
    sections: Vec<Section>,
    mut problems: Vec<BuildProblem>,
) -> Result<App, BuildError> {
    let AppBuilder {
        package,
        parts,
        registry,
        supplied,
        hooks,
        mut checks,
        inputs: _,
        clock,
        entropy,
        listeners,
    } = builder;
    let (nodes, starts) = flatten(parts, &settings, &mut checks);
    let (graph, wiring) = checks.run(nodes);
    // Whatever a test puts in the place of a module needs none of its settings.
    let wrong = settings.check_where(|section| !graph.replaces(section));
    problems.extend(wrong.into_iter().map(Into::into));
    problems.extend(wiring.into_iter().map(Into::into));

    let lifecycle = read::<LifecycleConfig>(&settings, &sections, "lifecycle");
    let leader = read::<LeaderConfig>(&settings, &sections, "leader");
    let runtime = read::<super::RuntimeConfig>(&settings, &sections, "runtime");
    if let Some(leader) = &leader {
        problems.extend(lonely_leader(&graph, settings.profile(), leader));
    }
    problems.extend(clashing_servers(&graph, &settings));
    let stop = StopPlan::of(&settings);
    problems.extend(stop.as_ref().and_then(StopPlan::problem));

    let mut warnings = settings.warnings();
    warnings.extend(graph.warnings.iter().cloned());
    warnings.extend(stop.iter().flat_map(|stop| stop.warnings(&graph)));
    match (lifecycle, leader, runtime) {
        (Some(lifecycle), Some(leader), Some(runtime)) if problems.is_empty() => {
            let package = package.unwrap_or_else(Package::of_executable);
            Ok(App {
                info: Arc::new(AppInfo { package, profile: settings.profile().to_owned() }),
                graph: Arc::new(graph),
                starts,
                registry,
                supplied,
                hooks,
                settings: Arc::new(settings),
                sections,
                clock,
                entropy,
                listeners,
                lifecycle,
                leader,
                runtime,
                warnings,
            })
        }
        _ => Err(BuildError::new(problems, warnings)),
    }
}

/// Reads a section of the core's own. A problem in it has been reported by the settings.
fn read<C: Config>(settings: &Settings, sections: &[Section], key: &str) -> Option<C> {
    let section = sections.iter().find(|section| section.key() == key)?;
    settings.read(section).ok()
}

/// Lines up all nodes: the built-in givers, then the parts, each followed by what is inside of it.
fn flatten(
    parts: Vec<Part>,
    settings: &Settings,
    checks: &mut Checks,
) -> (Vec<Node>, Vec<Option<Start>>) {
    let (mut nodes, mut starts) = (built_in(), Vec::new());
    starts.resize_with(nodes.len(), || None);
    for Part { mut node, start, inside } in parts {
        let at = nodes.len();
        if let Some(section) = &node.section {
            if let Some(origin) = settings.disabled(section) {
                checks.disabled.insert(at, origin.to_string());
            }
            // Its references are resolved by the secrets module, which must have started before.
            if !settings.references(section).is_empty() {
                node.needs.push(Need::one(Key::of::<dyn Secrets>()));
            }
        }
        nodes.push(node);
        starts.push(start);
        for mut node in inside {
            node.set = Some(at);
            nodes.push(node);
            starts.push(None);
        }
    }
    (nodes, starts)
}

/// The givers that every application has. A module may give a better one: telemetry, a meter.
fn built_in() -> Vec<Node> {
    let place = std::panic::Location::caller();
    let parts = [
        Part::value::<Clock>(Kind::BuiltIn, place),
        Part::value::<Entropy>(Kind::BuiltIn, place),
        Part::value::<Events>(Kind::BuiltIn, place),
        Part::value::<HealthRegistry>(Kind::BuiltIn, place),
        Part::value::<Meter>(Kind::BuiltIn, place),
        Part::value::<Pages>(Kind::BuiltIn, place),
        Part::value::<Readiness>(Kind::BuiltIn, place),
        Part::value::<ShutdownHandle>(Kind::BuiltIn, place),
        Part::value::<Spawner>(Kind::BuiltIn, place),
        Part::value::<AppInfo>(Kind::BuiltIn, place),
    ];
    let nodes = parts.into_iter().map(|part| part.node);
    nodes.map(|node| Node { fallback: true, ..node }).collect()
}

/// In production every replica would elect itself.
fn lonely_leader(graph: &Graph, profile: &str, leader: &LeaderConfig) -> Option<BuildProblem> {
    let store = Key::of::<dyn LeaseStore>();
    let edges = graph.edges.iter().filter(|edge| edge.key == store);
    let mut local = edges.filter(|edge| graph.nodes[edge.giver].name == LocalLeasesModule::NAME);
    let edge = local.next()?;
    (profile == info::PROD && leader.local == LocalPolicy::Deny).then(|| BuildProblem::Other {
        what: format!(
            "`{}` is run by a leader, and in profile {profile} nothing elects one among the replicas",
            graph.nodes[edge.needer].name
        ),
        fix: "add a module that gives a shared `dyn LeaseStore`, or set `leader.local` to `allow` \
              where there is one replica only"
            .to_owned(),
    })
}

// === impl App ===

impl App {
    /// What works and is probably not meant, as the start report shows it: `check --strict` makes
    /// errors of it, and so can a test.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("info", &self.info).finish_non_exhaustive()
    }
}
