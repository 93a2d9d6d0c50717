use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Edge, Graph, Kind, LeftOut, Node, WiringProblem};
use crate::{
    key::Key,
    needs::{Arity, Need},
};

/// Turns nodes into a graph, and finds everything that is wrong with it at once.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    pub(crate) replaced: Vec<Key>,
    pub(crate) decorated: Vec<Key>,
    /// Nodes that the configuration disables, and where.
    pub(crate) disabled: BTreeMap<usize, String>,
    /// What could be added to an application, and what it gives.
    pub(crate) known: Vec<(Key, String)>,
}

// === impl Checks ===

impl Checks {
    pub(crate) fn run(&self, mut nodes: Vec<Node>) -> (Graph, Vec<WiringProblem>) {
        for node in &mut nodes {
            let planned = std::mem::take(&mut node.plan.needs);
            node.needs.extend(planned);
        }
        let left_out = self.leave_out(&nodes);
        let mut resolution = Resolution {
            checks: self,
            givers: givers(&nodes, &left_out),
            nodes: &nodes,
            left_out: &left_out,
            problems: Vec::new(),
        };
        let edges = resolution.edges();
        resolution.missing(&edges);
        resolution.duplicates();
        resolution.overrides();
        resolution.names();
        resolution.members();
        resolution.plans();
        let mut problems = resolution.problems;
        let warnings = warnings(&nodes, &left_out, &edges);
        let graph = Graph { nodes, left_out, edges, warnings };
        problems.extend(cycles(&graph));
        (graph, problems)
    }

    fn is_replaced(&self, key: &Key) -> bool {
        self.replaced.contains(key)
    }

    /// Decides which nodes take part.
    fn leave_out(&self, nodes: &[Node]) -> BTreeMap<usize, LeftOut> {
        let mut out: BTreeMap<usize, LeftOut> = BTreeMap::new();
        for (node, place) in &self.disabled {
            out.insert(*node, LeftOut::Disabled(place.clone()));
        }
        let unused_defaults = nodes.iter().enumerate().filter(|(_, node)| node.fallback);
        out.extend(unused_defaults.map(|(node, _)| (node, LeftOut::Unused)));
        for set in (0..nodes.len()).filter(|node| nodes[*node].kind == Kind::Set) {
            if let Some(why) = out.get(&set).cloned() {
                let inside = (0..nodes.len()).filter(|node| nodes[*node].set == Some(set));
                out.extend(inside.map(|node| (node, why.clone())));
            }
        }
        let needed_before = needed(nodes, &out);
        self.leave_out_replaced(nodes, &mut out);
        // What only a replaced node needed is not needed; and so on, until nothing changes.
        loop {
            let needed_now = needed(nodes, &out);
            let unneeded = (0..nodes.len()).find(|node| {
                let candidate = &nodes[*node];
                !out.contains_key(node)
                    && matches!(candidate.kind, Kind::Module | Kind::Supplied)
                    && !candidate.gives.is_empty()
                    && candidate.gives.iter().any(|gift| needed_before.contains(&gift.key))
                    && !candidate.gives.iter().any(|gift| needed_now.contains(&gift.key))
            });
            match unneeded {
                Some(node) => out.insert(node, LeftOut::Unneeded),
                None => break,
            };
        }
        self.admit_defaults(nodes, &mut out);
        out
    }

    fn leave_out_replaced(&self, nodes: &[Node], out: &mut BTreeMap<usize, LeftOut>) {
        for (at, node) in nodes.iter().enumerate() {
            let replaced = !node.gives.is_empty()
                && node.gives.iter().all(|gift| !gift.group && self.is_replaced(&gift.key));
            if replaced {
                out.entry(at).or_insert(LeftOut::Replaced);
            }
        }
        for set in (0..nodes.len()).filter(|node| nodes[*node].kind == Kind::Set) {
            let mut inside =
                (0..nodes.len()).filter(|node| nodes[*node].set == Some(set)).peekable();
            if inside.peek().is_some() && inside.all(|node| out.contains_key(&node)) {
                out.entry(set).or_insert(LeftOut::Replaced);
            }
        }
    }

    /// Takes embedded defaults back in, where nobody else gives what is needed.
    fn admit_defaults(&self, nodes: &[Node], out: &mut BTreeMap<usize, LeftOut>) {
        loop {
            let needed = needed(nodes, out);
            let given = givers(nodes, out);
            let admitted = (0..nodes.len()).find(|node| {
                out.get(node) == Some(&LeftOut::Unused)
                    && nodes[*node].gives.iter().any(|gift| {
                        needed.contains(&gift.key)
                            && !given.contains_key(&gift.key)
                            && !self.is_replaced(&gift.key)
                    })
            });
            match admitted {
                Some(node) => out.remove(&node),
                None => break,
            };
        }
    }
}

type Givers = HashMap<Key, Vec<usize>>;

fn givers(nodes: &[Node], left_out: &BTreeMap<usize, LeftOut>) -> Givers {
    let mut givers = Givers::new();
    for (at, node) in nodes.iter().enumerate().filter(|(at, _)| !left_out.contains_key(at)) {
        for gift in &node.gives {
            givers.entry(gift.key).or_default().push(at);
        }
    }
    givers
}

fn needed(nodes: &[Node], left_out: &BTreeMap<usize, LeftOut>) -> BTreeSet<Key> {
    let alive = nodes.iter().enumerate().filter(|(at, _)| !left_out.contains_key(at));
    alive
        .flat_map(|(_, node)| {
            let required = node.plan.required.iter().map(|required| required.key);
            node.needs.iter().map(|need| need.key).chain(required)
        })
        .collect()
}

/// One pass over the nodes that take part.
struct Resolution<'a> {
    checks: &'a Checks,
    nodes: &'a [Node],
    left_out: &'a BTreeMap<usize, LeftOut>,
    givers: Givers,
    problems: Vec<WiringProblem>,
}

// === impl Resolution ===

impl Resolution<'_> {
    fn alive(&self) -> impl Iterator<Item = (usize, &Node)> {
        self.nodes.iter().enumerate().filter(|(at, _)| !self.left_out.contains_key(at))
    }

    /// The needs of a node, those of its plan included.
    fn needs(&self, node: usize) -> Vec<Need> {
        let node = &self.nodes[node];
        let required = node.plan.required.iter().map(|required| Need::one(required.key));
        node.needs.iter().copied().chain(required).collect()
    }

    fn edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (needer, _) in self.alive() {
            for Need { key, arity } in self.needs(needer) {
                if arity != Arity::Many && self.checks.is_replaced(&key) {
                    continue;
                }
                for giver in self.givers.get(&key).into_iter().flatten().copied() {
                    let edge = Edge { needer, giver, key, arity };
                    if giver != needer && !edges.contains(&edge) {
                        edges.push(edge);
                    }
                }
            }
        }
        edges
    }

    fn missing(&mut self, edges: &[Edge]) {
        let mut missing: Vec<(Key, Vec<usize>)> = Vec::new();
        for (needer, _) in self.alive() {
            for Need { key, arity } in self.needs(needer) {
                let given = self.givers.contains_key(&key) || self.checks.is_replaced(&key);
                if arity == Arity::One && !given {
                    match missing.iter_mut().find(|(other, _)| *other == key) {
                        Some((_, needers)) if needers.contains(&needer) => {}
                        Some((_, needers)) => needers.push(needer),
                        None => missing.push((key, vec![needer])),
                    }
                }
            }
        }
        for (key, needers) in missing {
            let because = needers
                .iter()
                .flat_map(|needer| &self.nodes[*needer].plan.required)
                .filter(|required| required.key == key)
                .map(|required| required.because.clone())
                .collect();
            let needed_by = needers.iter().map(|needer| self.path(*needer, edges)).collect();
            let disabled = self.disabled_giver(&key);
            let fix = self.fix(&key, disabled.is_some());
            self.problems.push(WiringProblem::Missing { key, needed_by, because, disabled, fix });
        }
    }

    /// `node`, who needs it, who needs that, up to something that nobody needs.
    fn path(&self, node: usize, edges: &[Edge]) -> String {
        let mut path = vec![node];
        while let Some(next) = path.last().and_then(|last| {
            edges.iter().find(|edge| edge.giver == *last && !path.contains(&edge.needer))
        }) {
            path.push(next.needer);
        }
        let names: Vec<_> = path.iter().map(|node| self.nodes[*node].name.as_str()).collect();
        names.join(" ← ")
    }

    fn disabled_giver(&self, key: &Key) -> Option<String> {
        self.left_out.iter().find_map(|(node, why)| match why {
            LeftOut::Disabled(place) => {
                self.nodes[*node].gives.iter().any(|gift| gift.key == *key).then(|| place.clone())
            }
            _ => None,
        })
    }

    fn fix(&self, key: &Key, disabled: bool) -> String {
        if disabled {
            return "enable it, or replace what needs it".to_owned();
        }
        let known: Vec<_> = self
            .checks
            .known
            .iter()
            .filter(|(known, _)| known == key)
            .map(|(_, module)| format!(".module({module})"))
            .collect();
        if !known.is_empty() {
            return format!("add {}", known.join(" or "));
        }
        let mut others = self.givers.keys().filter(|other| other.is_same_type(key));
        if let Some(other) = others.next() {
            return format!("`{other}` is given: ask for that one, or redirect it with `.using`");
        }
        format!(
            "add a module that gives it, or `.provide(..)` or `.supply(..)` an `Arc<{}>`",
            key.short_type()
        )
    }

    fn duplicates(&mut self) {
        let mut seen = BTreeSet::new();
        for node in self.nodes {
            for gift in node.gives.iter().filter(|gift| !gift.group) {
                let givers = self.givers.get(&gift.key).map_or(&[][..], Vec::as_slice);
                let single: Vec<_> =
                    givers.iter().copied().filter(|at| self.gives_one(*at, &gift.key)).collect();
                if single.len() > 1 && !self.checks.is_replaced(&gift.key) && seen.insert(gift.key)
                {
                    let givers = single.iter().map(|giver| self.placed(*giver)).collect();
                    self.problems.push(WiringProblem::Duplicate { key: gift.key, givers });
                }
            }
        }
    }

    fn gives_one(&self, node: usize, key: &Key) -> bool {
        self.nodes[node].gives.iter().any(|gift| gift.key == *key && !gift.group)
    }

    fn overrides(&mut self) {
        let given = |key: &Key| {
            self.nodes.iter().any(|node| node.gives.iter().any(|gift| gift.key == *key))
        };
        let replaced = self.checks.replaced.iter().map(|key| ("replace", key));
        let decorated = self.checks.decorated.iter().map(|key| ("decorate", key));
        let unknown: Vec<_> = replaced.chain(decorated).filter(|(_, key)| !given(key)).collect();
        for (verb, key) in unknown {
            let similar = self.similar(key);
            self.problems.push(WiringProblem::NotGiven { verb, key: *key, similar });
        }
    }

    fn similar(&self, key: &Key) -> Option<String> {
        let name = key.short_type();
        let all = self.nodes.iter().flat_map(|node| &node.gives).map(|gift| gift.key.short_type());
        all.map(|other| (strsim::jaro_winkler(&name, &other), other))
            .filter(|(likeness, _)| *likeness > 0.85)
            .max_by(|one, other| one.0.total_cmp(&other.0))
            .map(|(_, other)| other)
    }

    fn names(&mut self) {
        let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (_, node) in self.alive().filter(|(_, node)| node.kind == Kind::Runnable) {
            names.entry(&node.name).or_default().push(node.place.to_string());
        }
        let twice = names.into_iter().filter(|(_, places)| places.len() > 1);
        let problems: Vec<_> = twice
            .map(|(name, places)| WiringProblem::SameName { name: name.to_owned(), places })
            .collect();
        self.problems.extend(problems);
    }

    /// Every member is taken, and the members of one group have names of their own. Where the taker
    /// is disabled its members rest.
    fn members(&mut self) {
        let taken = |key: &Key| {
            let takers = self.nodes.iter().enumerate().filter(|(at, _)| {
                matches!(self.left_out.get(at), None | Some(LeftOut::Disabled(_)))
            });
            takers.flat_map(|(_, node)| &node.needs).any(|need| need.key == *key)
        };
        let mut problems = Vec::new();
        let mut names = BTreeSet::new();
        for (_, node) in self.alive().filter(|(_, node)| node.kind == Kind::Member) {
            let key = node.gives.first().expect("a member gives itself").key;
            let problem = |what: String, fix: String| WiringProblem::Plan {
                node: format!("`{}` at {}", node.name, node.place),
                what,
                fix,
            };
            if let Some(taker) = node.plan.taker.filter(|_| !taken(&key)) {
                let what = "no module takes it, so that it would do nothing".to_owned();
                problems.push(problem(what, format!("add .module({taker})")));
            }
            if !names.insert((key.to_string(), &node.name)) {
                let what = format!("another `{}` has this name", key.short_type());
                problems.push(problem(what, "give each a name of its own".to_owned()));
            }
        }
        self.problems.extend(problems);
    }

    fn plans(&mut self) {
        let problems: Vec<_> = self
            .alive()
            .flat_map(|(_, node)| {
                node.plan.problems.iter().map(|problem| WiringProblem::Plan {
                    node: node.name.clone(),
                    what: problem.what.clone(),
                    fix: problem.fix.clone(),
                })
            })
            .collect();
        self.problems.extend(problems);
    }

    fn placed(&self, node: usize) -> String {
        let node = &self.nodes[node];
        format!("{} at {}", node.called(), node.place)
    }
}

/// What works and is probably not meant.
fn warnings(nodes: &[Node], left_out: &BTreeMap<usize, LeftOut>, edges: &[Edge]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (at, node) in nodes.iter().enumerate().filter(|(at, _)| !left_out.contains_key(at)) {
        warnings
            .extend(node.plan.warnings.iter().map(|warning| format!("{}: {warning}", node.name)));
        let used = |giver: usize| {
            edges.iter().any(|edge| {
                let needer = nodes[edge.needer].set.unwrap_or(edge.needer);
                edge.giver == giver && needer != at
            })
        };
        // A module that works on members is of use, whoever needs what it gives.
        let works =
            edges.iter().any(|edge| edge.needer == at && nodes[edge.giver].kind == Kind::Member);
        let unused = match node.kind {
            Kind::Module => !node.gives.is_empty() && !used(at) && !works,
            Kind::Set => {
                !(0..nodes.len()).any(|inside| nodes[inside].set == Some(at) && used(inside))
            }
            _ => false,
        };
        let live = node
            .section
            .as_ref()
            .is_some_and(|section| node.kind == Kind::Section && section.schema().is_live());
        // The first of the two that a section gives is the value as it was read at start.
        for edge in
            edges.iter().filter(|edge| live && edge.giver == at && edge.key == node.gives[0].key)
        {
            let (needer, key) = (&nodes[edge.needer].name, edge.key);
            warnings.push(format!(
                "{needer} takes `Arc<{key}>`, some fields of which are live: take `Live<{key}>` to see them change"
            ));
        }
        if unused {
            warnings.push(format!("{} is unused: nothing needs what it gives", node.name));
        }
    }
    warnings
}

/// The nodes that wait for each other: modules among themselves, and components of one set.
fn cycles(graph: &Graph) -> Vec<WiringProblem> {
    let mut inside: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for edge in graph.edges.iter().filter(|edge| graph.unit(edge.needer) == graph.unit(edge.giver))
    {
        inside.entry(edge.giver).or_default();
        inside.entry(edge.needer).or_default().push(edge.giver);
    }
    let knots = [graph.units(), inside].into_iter().flat_map(knots);
    knots
        .map(|knot| {
            let path = knot.iter().chain(&knot[..1]).map(|node| graph.nodes[*node].name.clone());
            let places = knot.iter().map(|node| {
                let node = &graph.nodes[*node];
                format!("{} ({})", node.place, node.called())
            });
            WiringProblem::Cycle { path: path.collect(), places: places.collect() }
        })
        .collect()
}

/// One cycle of each knot in a graph of nodes and what they wait for.
fn knots(waits: BTreeMap<usize, Vec<usize>>) -> Vec<Vec<usize>> {
    let mut left: BTreeSet<usize> = waits.keys().copied().collect();
    let is_free =
        |node: &usize, left: &BTreeSet<usize>| !waits[node].iter().any(|dep| left.contains(dep));
    // What waits for nothing that is left can go; what remains is in a circle, or behind one.
    while let Some(free) = left.iter().copied().find(|node| is_free(node, &left)) {
        left.remove(&free);
    }
    let mut knots = Vec::new();
    while let Some(first) = left.first().copied() {
        let mut path = vec![first];
        let cycle = loop {
            let last = path[path.len() - 1];
            let Some(next) = waits[&last].iter().copied().find(|dep| left.contains(dep)) else {
                break None;
            };
            if let Some(start) = path.iter().position(|seen| *seen == next) {
                break Some(path[start..].to_vec());
            }
            path.push(next);
        };
        path.iter().for_each(|seen| {
            left.remove(seen);
        });
        knots.extend(cycle);
    }
    knots
}
