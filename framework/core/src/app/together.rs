//! What settings of several sections say together, each of them being right by itself.

use std::{collections::VecDeque, time::Duration};

use super::error::BuildProblem;
use crate::{
    config::{Listen, Section, Setting, Settings, Shape, show_duration},
    graph::{Graph, Node},
    info,
};

/// The settings that decide how a stop goes.
pub(super) struct StopPlan<'a> {
    settings: &'a Settings,
    stop: Setting<Duration>,
    hard: Setting<Duration>,
    /// `None` where the profile decides.
    delay: Option<Setting<Duration>>,
}

/// Servers that would bind one address.
pub(super) fn clashing_servers(graph: &Graph, settings: &Settings) -> Vec<BuildProblem> {
    let mut servers: VecDeque<Setting<Listen>> = present(graph)
        .flat_map(|(_, section)| section.keys_of(&Shape::Listen))
        .filter_map(|key| settings.setting(key))
        .collect();
    let mut problems = Vec::new();
    while let Some(first) = servers.pop_front() {
        let mut clashing = vec![first];
        let mut at = 0;
        while at < clashing.len() {
            let (more, others) =
                servers.into_iter().partition(|other| other.value.overlaps(&clashing[at].value));
            servers = others;
            clashing.extend(more);
            at += 1;
        }
        if clashing.len() > 1 {
            problems.push(clash(&clashing));
        }
    }
    problems
}

/// The sections of the nodes that take part.
fn present(graph: &Graph) -> impl Iterator<Item = (&Node, &Section)> {
    let nodes = graph.nodes.iter().enumerate().filter(|(at, _)| graph.takes_part(*at));
    nodes.filter_map(|(_, node)| Some((node, node.section.as_ref()?)))
}

fn clash(servers: &[Setting<Listen>]) -> BuildProblem {
    let names: Vec<_> = servers.iter().map(|server| format!("`{}`", server.key)).collect();
    let (last, names) = names.split_last().expect("a clash has two sides");
    let all = if names.len() == 1 { "both" } else { "all" };
    let mut what = format!("{} and {last} cannot {all} be bound", names.join(", "));
    for Setting { key, value, origin } in servers {
        what.push_str(&format!("\n  set        {key} = {value} ({origin})"));
    }
    let fix = "give each a port of its own; port 0 takes a free one".to_owned();
    BuildProblem::Other { what, fix }
}

// === impl StopPlan ===

impl<'a> StopPlan<'a> {
    /// `None` when one of them cannot be read, which is told elsewhere.
    pub(super) fn of(settings: &'a Settings) -> Option<Self> {
        Some(Self {
            settings,
            stop: settings.setting("lifecycle.stop_timeout")?,
            hard: settings.setting("lifecycle.hard_stop")?,
            delay: settings.setting("lifecycle.drain_delay"),
        })
    }

    /// A stop in which nothing is left for the runnables.
    pub(super) fn problem(&self) -> Option<BuildProblem> {
        if !self.left().is_zero() {
            return None;
        }
        let profile = self.settings.profile();
        let takes = show_duration(self.taken());
        let delay = match &self.delay {
            Some(delay) => told(delay),
            None => format!(
                "lifecycle.drain_delay = {} (default in profile {profile})",
                show_duration(self.delay())
            ),
        };
        let what = format!(
            "`{}` leaves no time for the work: the drain delay and three hard stops take {takes}\
             \n  set        {}\n  set        {delay}\n  set        {}",
            self.stop.key,
            told(&self.stop),
            told(&self.hard),
        );
        let fix = format!(
            "raise the first above {takes}, and the grace period of the platform with it; or \
             lower one of the others"
        );
        Some(BuildProblem::Other { what, fix })
    }

    /// What modules want to stop in and will not have. Where nothing is left to any of them, that is
    /// the [`problem`](Self::problem).
    pub(super) fn warnings(&self, graph: &Graph) -> Vec<String> {
        let left = self.left();
        let fields = present(graph).flat_map(|(node, section)| {
            node.plan.stop_takes.iter().map(|field| format!("{}.{field}", section.key()))
        });
        let wanted = fields.filter_map(|key| self.settings.setting::<Duration>(&key));
        wanted
            .filter(|wanted| wanted.value > left && !left.is_zero())
            .map(|wanted| {
                format!(
                    "{} is cut: a stop leaves it {}, which is {} less the drain delay and three \
                     hard stops",
                    told(&wanted),
                    show_duration(left),
                    told(&self.stop)
                )
            })
            .collect()
    }

    /// What the runnables have.
    fn left(&self) -> Duration {
        self.stop.value.saturating_sub(self.taken())
    }

    /// The drain delay, and what the machine keeps back for hard stops and undos.
    fn taken(&self) -> Duration {
        self.delay() + self.hard.value * 3
    }

    fn delay(&self) -> Duration {
        let is_prod = self.settings.profile() == info::PROD;
        let by_profile = || crate::lifecycle::default_drain_delay(is_prod);
        self.delay.as_ref().map_or_else(by_profile, |delay| delay.value)
    }
}

fn told(Setting { key, value, origin }: &Setting<Duration>) -> String {
    format!("{key} = {} ({origin})", show_duration(*value))
}
