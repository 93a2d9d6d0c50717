//! The graph: who needs what, from whom.
//!
//! One list of nodes (modules, closures, component sets and the components inside them, runnables)
//! serves the check, the order of start and stop, "why is it missing", the exports and the report.

mod export;
mod problem;
mod resolve;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, panic::Location};

pub(crate) use self::{problem::WiringProblem, resolve::Checks};
use crate::{
    config::Section,
    gives::Gift,
    key::Key,
    needs::{Arity, Need},
    plan::Plan,
};

/// One part of the application, before it is known whether it fits.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Where the application names it.
    pub(crate) place: &'static Location<'static>,
    pub(crate) needs: Vec<Need>,
    pub(crate) gives: Vec<Gift>,
    /// Needs that are met by named instances instead.
    pub(crate) redirects: Vec<(Key, Key)>,
    pub(crate) plan: Plan,
    pub(crate) section: Option<Section>,
    /// The component set to which a component belongs.
    pub(crate) set: Option<usize>,
    /// Whether it is an embedded default, which gives way to any other giver.
    pub(crate) fallback: bool,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    BuiltIn,
    Shell,
    Section,
    Supplied,
    Module,
    Set,
    Component,
    Member,
    Runnable,
}

/// The nodes that take part, and who gives what to whom.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    /// Why a node does not take part; the others do.
    pub(crate) left_out: BTreeMap<usize, LeftOut>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) warnings: Vec<String>,
}

/// Why a node is not started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// By `enabled: false`, and where that is written.
    Disabled(String),
    /// Everything that it gives is replaced.
    Replaced,
    /// Only what is replaced needed it.
    Unneeded,
    /// Another node gives what this embedded default would have given, or nobody needs it.
    Unused,
}

/// `needer` takes `key` from `giver`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) needer: usize,
    pub(crate) giver: usize,
    pub(crate) key: Key,
    pub(crate) arity: Arity,
}

// === impl Node ===

impl Node {
    pub(crate) fn new(
        kind: Kind,
        name: impl Into<String>,
        place: &'static Location<'static>,
    ) -> Self {
        Self {
            name: name.into(),
            kind,
            place,
            needs: Vec::new(),
            gives: Vec::new(),
            redirects: Vec::new(),
            plan: Plan::default(),
            section: None,
            set: None,
            fallback: false,
        }
    }

    /// What a message calls it beside its place. The name of a closure is that of what it gives,
    /// which nobody wrote there.
    pub(crate) fn called(&self) -> &str {
        let is_closure = self.kind == Kind::Module
            && self.section.is_none()
            && self.gives.first().is_some_and(|gift| gift.key.to_string() == self.name);
        if is_closure { "a closure" } else { &self.name }
    }
}

// === impl Kind ===

impl Kind {
    /// Whether such a node has work to do at start. The others are there from the beginning.
    pub(crate) fn starts(self) -> bool {
        matches!(
            self,
            Self::Shell | Self::Section | Self::Module | Self::Set | Self::Member | Self::Runnable
        )
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::Shell => "shell",
            Self::Section => "section",
            Self::Supplied => "supplied",
            Self::Module => "module",
            Self::Set => "components",
            Self::Component => "component",
            Self::Member => "member",
            Self::Runnable => "runnable",
        }
    }
}

// === impl Graph ===

impl Graph {
    pub(crate) fn takes_part(&self, node: usize) -> bool {
        !self.left_out.contains_key(&node)
    }

    /// Whether the section is that of a node in whose place there is something else, or that only
    /// such a node needed.
    pub(crate) fn replaces(&self, section: &Section) -> bool {
        self.left_out.iter().any(|(&node, why)| {
            let of = self.nodes[node].section.as_ref();
            matches!(why, LeftOut::Replaced | LeftOut::Unneeded)
                && of.is_some_and(|of| of.key() == section.key())
        })
    }

    /// The node that is started on behalf of `node`: the set of a component, else itself.
    pub(crate) fn unit(&self, node: usize) -> usize {
        self.nodes[node].set.unwrap_or(node)
    }

    /// The nodes that are started, each with those that must have started before.
    pub(crate) fn units(&self) -> BTreeMap<usize, Vec<usize>> {
        let starts = |node: usize| self.takes_part(node) && self.nodes[node].kind.starts();
        let mut units: BTreeMap<usize, Vec<usize>> = (0..self.nodes.len())
            .filter(|node| starts(*node))
            .map(|node| (node, Vec::new()))
            .collect();
        for edge in &self.edges {
            let (needer, giver) = (self.unit(edge.needer), self.unit(edge.giver));
            if needer != giver
                && starts(giver)
                && let Some(before) = units.get_mut(&needer)
            {
                before.push(giver);
            }
        }
        let shell: Vec<_> = units.keys().copied().filter(|node| self.is_shell(*node)).collect();
        for (node, before) in &mut units {
            if !self.is_shell(*node) {
                before.extend(&shell);
            }
            before.sort_unstable();
            before.dedup();
        }
        units
    }

    fn is_shell(&self, node: usize) -> bool {
        self.nodes[node].kind == Kind::Shell
    }

    /// The facts of one name that modules have added, such as the tables of `routes`.
    pub(crate) fn facts(&self, name: &str) -> impl Iterator<Item = &serde_json::Value> {
        let nodes = self.nodes.iter().enumerate().filter(|(node, _)| self.takes_part(*node));
        nodes
            .flat_map(|(_, node)| &node.plan.facts)
            .filter(move |(fact, _)| *fact == name)
            .map(|(_, value)| value)
    }
}
