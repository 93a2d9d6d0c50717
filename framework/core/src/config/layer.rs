//! The layers that values come from, from the weakest to the strongest.

use std::{collections::BTreeMap, ops::Range};

use super::{
    origin::Origin,
    section::{Leaf, Section},
    unknown,
    value::Value,
};

/// A source of values.
#[derive(Clone)]
pub(super) enum Layer {
    /// A file, or what was set by key.
    Tree(Tree),
    /// The environment, or `.env`: the variables of our fields only.
    Variables(BTreeMap<String, Variable>),
}

#[derive(Clone)]
pub(super) struct Tree {
    pub(super) root: Value,
    /// The bytes of the file that must not be shown.
    pub(super) hidden: Vec<Range<usize>>,
    /// How many keys lead to what was set by key; a file has none.
    pub(super) depth: Option<usize>,
}

/// A variable that is set.
#[derive(Clone)]
pub(super) struct Variable {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// A value for a field, which another layer may override.
#[derive(Clone)]
pub(super) struct Candidate {
    /// Where it is set: the place of the key in a file.
    pub(super) origin: Origin,
    pub(super) value: Value,
}

// === impl Layer ===

impl Layer {
    pub(super) fn tree(root: Value, sections: &[Section]) -> Self {
        let hidden = unknown::hidden(&root, sections);
        Self::Tree(Tree { root, hidden, depth: None })
    }

    /// A value that was set by key.
    pub(super) fn set(path: &[&str], value: Value, sections: &[Section]) -> Self {
        let root = Value::at_path(path, value);
        let hidden = unknown::hidden(&root, sections);
        Self::Tree(Tree { root, hidden, depth: Some(path.len()) })
    }

    /// Whether this layer holds single entries of a field that is a map, rather than all of it.
    pub(super) fn is_below(&self, leaf: &Leaf) -> bool {
        matches!(self, Self::Tree(tree) if tree.depth.is_some_and(|depth| depth > leaf.path().len()))
    }

    /// What this layer says of a field. An alias is weaker than the usual name.
    pub(super) fn candidates(&self, leaf: &Leaf) -> Vec<Candidate> {
        match self {
            Self::Tree(tree) => tree
                .root
                .find(leaf.path())
                .map(|(key, value)| Candidate { origin: key.origin.clone(), value: value.clone() })
                .into_iter()
                .collect(),
            Self::Variables(variables) => leaf
                .variables()
                .iter()
                .rev()
                .filter_map(|name| variables.get(name))
                .map(|Variable { text, origin }| Candidate {
                    origin: origin.clone(),
                    value: Value::plain(text, origin.clone()),
                })
                .collect(),
        }
    }
}
