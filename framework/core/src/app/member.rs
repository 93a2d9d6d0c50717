use std::{fmt, sync::Arc};

use super::part::Part;
use crate::{
    gives::{Gift, Group},
    graph::{Kind, Node},
    key::Key,
    needs::{Injectable, Missing, Need, Needs},
    plan::Plan,
    registry::{Outputs, Resolver},
};

/// A member of the group of all `T`, with a name of its own: a job, a consumer.
///
/// It is how a crate lets its users add parts of a kind of its own. The module that works on them
/// needs `Vec<Arc<T>>`, and so starts after, and stops before, whatever they need.
///
/// ```
/// # extern crate purlin_core as purlin;
/// # use std::sync::Arc;
/// # use purlin::{app::{App, Member}, clock::Clock};
/// # struct Greeting(Clock);
/// let greeting = Member::new("hello", |clock: Clock| Arc::new(Greeting(clock)));
/// let app = App::builder().member(greeting.taken_by("GreetingModule"));
/// assert!(app.validate().is_err());       // no module takes it
/// ```
pub struct Member<T: ?Sized> {
    name: String,
    needs: Vec<Need>,
    plan: Plan,
    bind: Box<dyn FnOnce(&Resolver<'_>) -> Result<Make<T>, Missing> + Send>,
}

/// Makes a member of needs that have been taken.
type Make<T> = Box<dyn FnOnce() -> Arc<T> + Send>;

// === impl Member ===

impl<T: Injectable + ?Sized> Member<T> {
    /// A member that `make` makes of its needs, once they have started.
    pub fn new<N: Needs>(
        name: impl Into<String>,
        make: impl FnOnce(N) -> Arc<T> + Send + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            needs: Need::of::<N>(),
            plan: Plan::default(),
            bind: Box::new(|resolver| {
                let needs = N::take(resolver)?;
                Ok(Box::new(move || make(needs)))
            }),
        }
    }

    /// Names the module that takes the group, as it would be added: an application without it does
    /// not build.
    #[must_use]
    pub fn taken_by(mut self, module: &'static str) -> Self {
        self.plan.taker = Some(module);
        self
    }

    /// What is added to the graph beside the needs; see
    /// [`Module::plan`](crate::module::Module::plan).
    pub fn plan(&mut self) -> &mut Plan {
        &mut self.plan
    }

    pub(super) fn into_part(self, place: &'static std::panic::Location<'static>) -> Part {
        let Self { name, needs, plan, bind } = self;
        let mut node = Node::new(Kind::Member, name, place);
        node.needs = needs;
        node.gives = vec![Gift { key: Key::of::<T>(), group: true }];
        node.plan = plan;
        let start: super::part::Start = Box::new(move |registry, cx, source| {
            let make = bind(&registry.resolver(source.redirects()));
            Box::pin(async move {
                let mut outputs = Outputs::default();
                crate::gives::Gives::put(Group(make?()), &mut outputs);
                Ok((cx, outputs))
            })
        });
        Part { node, start: Some(start), inside: Vec::new() }
    }
}

impl<T: ?Sized> fmt::Debug for Member<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("name", &self.name).finish_non_exhaustive()
    }
}
