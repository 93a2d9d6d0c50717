use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Graph, LeftOut};
use crate::needs::Arity;

// === impl Graph ===

impl Graph {
    /// The graph as data: nodes, edges, and both drawings.
    pub(crate) fn to_json(&self) -> Value {
        let nodes: Vec<_> =
            self.nodes.iter().enumerate().filter(|(at, _)| self.shown(*at)).collect();
        let nodes: Vec<_> = nodes
            .into_iter()
            .map(|(at, node)| {
                json!({
                    "id": at,
                    "name": node.name,
                    "kind": node.kind.name(),
                    "default": node.fallback,
                    "set": node.set,
                    "needs": node.needs.iter().map(|need| json!({
                        "key": need.key.to_string(),
                        "arity": arity(need.arity),
                    })).collect::<Vec<_>>(),
                    "gives": node.gives.iter().map(|gift| gift.key.to_string()).collect::<Vec<_>>(),
                    "left_out": self.left_out.get(&at).map(ToString::to_string),
                })
            })
            .collect();
        let edges: Vec<_> = self
            .drawn()
            .map(|(needer, giver, key)| json!({ "needer": needer, "giver": giver, "key": key }))
            .collect();
        let start_order: Vec<_> =
            self.start_order().into_iter().map(|unit| self.nodes[unit].name.as_str()).collect();
        let stop_order: Vec<_> = start_order.iter().rev().collect();
        json!({
            "nodes": nodes,
            "edges": edges,
            "start_order": start_order,
            "stop_order": stop_order,
            "dot": self.to_dot(),
            "mermaid": self.to_mermaid(),
        })
    }

    /// The graph in the language of Graphviz. An arrow points from who needs to who gives.
    pub(crate) fn to_dot(&self) -> String {
        let mut out = String::from("digraph app {\n  rankdir=LR;\n  node [shape=box];\n");
        for (at, node) in self.nodes.iter().enumerate().filter(|(at, _)| self.shown(*at)) {
            let style = if self.takes_part(at) { "" } else { ", style=dashed" };
            let _ = writeln!(out, "  n{at} [label={:?}{style}];", node.name);
        }
        for (needer, giver, key) in self.drawn() {
            let _ = writeln!(out, "  n{needer} -> n{giver} [label={key:?}];");
        }
        out.push_str("}\n");
        out
    }

    /// The graph in the language of Mermaid.
    pub(crate) fn to_mermaid(&self) -> String {
        let mut out = String::from("flowchart LR\n");
        for (at, node) in self.nodes.iter().enumerate().filter(|(at, _)| self.shown(*at)) {
            let _ = writeln!(out, "  n{at}[\"{}\"]", escaped(&node.name));
        }
        for (needer, giver, key) in self.drawn() {
            let _ = writeln!(out, "  n{needer} -- \"{}\" --> n{giver}", escaped(&key));
        }
        out
    }

    /// The units in an order in which each comes after all it needs: by registration, where free.
    pub(crate) fn start_order(&self) -> Vec<usize> {
        let mut units = self.units();
        let mut order = Vec::with_capacity(units.len());
        while let Some(next) = units
            .iter()
            .find(|(_, deps)| deps.iter().all(|dep| order.contains(dep)))
            .map(|(unit, _)| *unit)
        {
            units.remove(&next);
            order.push(next);
        }
        order
    }

    /// Built-in givers are everywhere and would hide the rest; unused defaults do not matter.
    fn shown(&self, node: usize) -> bool {
        let is_built_in = self.nodes[node].kind == super::Kind::BuiltIn;
        !is_built_in && self.left_out.get(&node) != Some(&LeftOut::Unused)
    }

    fn drawn(&self) -> impl Iterator<Item = (usize, usize, String)> {
        let shown =
            self.edges.iter().filter(|edge| self.shown(edge.giver) && self.shown(edge.needer));
        shown.map(|edge| (edge.needer, edge.giver, edge.key.to_string()))
    }
}

fn arity(arity: Arity) -> &'static str {
    match arity {
        Arity::One => "one",
        Arity::Optional => "optional",
        Arity::Many => "many",
    }
}

/// Mermaid knows no backslash; quotes and angle brackets are written as entities.
fn escaped(text: &str) -> String {
    text.replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;")
}

// === impl LeftOut ===

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Disabled(place) => write!(f, "disabled by {place}"),
            Self::Replaced => f.write_str("replaced"),
            Self::Unneeded => f.write_str("only what is replaced needed it"),
            Self::Unused => f.write_str("an embedded default that is not needed"),
        }
    }
}
