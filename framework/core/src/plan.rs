//! What a module adds to the graph while it is checked.

use serde_json::Value;

use crate::{
    key::Key,
    needs::{Arity, Need},
};

/// The part of the graph that a module's types cannot express; see
/// [`Module::plan`](crate::module::Module::plan).
#[derive(Debug, Default)]
pub struct Plan {
    pub(crate) required: Vec<Required>,
    pub(crate) needs: Vec<Need>,
    pub(crate) problems: Vec<PlanProblem>,
    pub(crate) warnings: Vec<String>,
    pub(crate) facts: Vec<(&'static str, Value)>,
    /// Fields of the section that say how long the module's stop may take.
    pub(crate) stop_takes: Vec<&'static str>,
    /// The module that takes the group to which a member belongs.
    pub(crate) taker: Option<&'static str>,
}

/// A need that follows from what the module was given, such as a route that is secured.
#[derive(Debug)]
pub(crate) struct Required {
    pub(crate) key: Key,
    pub(crate) because: String,
}

/// Something that cannot work, found before anything was started.
#[derive(Debug, Clone)]
pub(crate) struct PlanProblem {
    pub(crate) what: String,
    pub(crate) fix: String,
}

// === impl Plan ===

impl Plan {
    /// Needs a `T` that the module's types call optional, `because` of what it was given.
    pub fn require<T: ?Sized + 'static>(&mut self, because: impl Into<String>) {
        self.required.push(Required { key: Key::of::<T>(), because: because.into() });
    }

    /// Says that the module gates some of its runnables by leadership, so that it waits for a
    /// lease store.
    pub fn leader_only(&mut self) {
        let key = Key::of::<dyn crate::leader::LeaseStore>();
        self.needs.push(Need { key, arity: Arity::One });
    }

    /// Reports something that cannot work, and what to do about it.
    pub fn problem(&mut self, what: impl Into<String>, fix: impl Into<String>) {
        self.problems.push(PlanProblem { what: what.into(), fix: fix.into() });
    }

    /// Says that a field of the section, such as `drain`, is how long the module may take to stop.
    /// Where a stop of the application leaves it less, that is a warning.
    pub fn stop_takes(&mut self, field: &'static str) {
        self.stop_takes.push(field);
    }

    /// Reports something that works and is probably not meant.
    pub fn warning(&mut self, what: impl Into<String>) {
        self.warnings.push(what.into());
    }

    /// Adds data to the graph under a name, such as the table of `routes`.
    pub fn fact(&mut self, name: &'static str, value: impl Into<Value>) {
        self.facts.push((name, value.into()));
    }
}
