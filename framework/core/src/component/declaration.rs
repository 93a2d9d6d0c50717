//! What a set consists of, before anything is built.

use std::{any::type_name, sync::Arc};

use super::{Component, ComponentCycle, ComponentSet, UnmetNeeds, wiring::Wiring};
use crate::{
    key::{Key, short},
    needs::{Arity, Interface, Missing, Need},
    plan::Plan,
    registry::{Erased, Resolver},
};

/// The `needs` and the `components` of a set, as [`ComponentSet::declare`] lists them.
#[doc(hidden)]
#[derive(Default)]
pub struct Declaration {
    needs: Vec<DeclaredNeed>,
    components: Vec<DeclaredComponent>,
}

struct DeclaredNeed {
    /// The type as it is written in `needs: [..]`.
    entry: Key,
    needs: Vec<Need>,
    take: Box<dyn Fn(&Resolver<'_>) -> Result<Erased, Missing>>,
}

struct DeclaredComponent {
    node: ComponentNode,
    adopt: fn(&Resolver<'_>, &mut Wiring),
}

/// A component, as a node of the graph.
#[derive(Debug, Clone)]
pub(crate) struct ComponentNode {
    /// The type, without its path.
    pub(crate) name: String,
    pub(crate) gives: Key,
    pub(crate) needs: Vec<Need>,
}

/// The name of a set, in the report and in messages.
pub(crate) fn set_name<C: ComponentSet>() -> String {
    short(type_name::<C>())
}

/// The components of a set.
pub(crate) fn nodes<C: ComponentSet>() -> Vec<ComponentNode> {
    Declaration::of::<C>().components.into_iter().map(|component| component.node).collect()
}

/// Adds to the plan of a set what the compiler cannot find.
pub(crate) fn plan<C: ComponentSet>(plan: &mut Plan) {
    let declaration = Declaration::of::<C>();
    for (needer, own) in declaration.optional_and_own() {
        plan.problem(
            format!("`{needer}` takes `{own}` as an option, and the set itself builds it"),
            format!("inject it as `Arc<{own}>`"),
        );
    }
    for unused in declaration.unused() {
        plan.warning(format!("`{unused}` is one of its needs, and no component uses it"));
    }
}

// === impl Declaration ===

impl Declaration {
    pub(super) fn of<C: ComponentSet>() -> Self {
        let mut declaration = Self::default();
        C::declare(&mut declaration);
        declaration
    }

    /// Adds one entry of `needs: [..]`.
    pub fn need<T: Interface + ?Sized>(
        &mut self,
        needs: fn(&mut Vec<Need>),
        take: fn(&Resolver<'_>) -> Result<Arc<T>, Missing>,
    ) {
        let mut all = Vec::new();
        needs(&mut all);
        self.needs.push(DeclaredNeed {
            entry: Key::of::<T>(),
            needs: all,
            take: Box::new(move |from| take(from).map(|value| Box::new(value) as Erased)),
        });
    }

    /// Adds one entry of `components: [..]`.
    pub fn component<C: Component>(&mut self) {
        let mut needs = Vec::new();
        C::needs(&mut needs);
        let name = short(type_name::<C>());
        let node = ComponentNode { name, gives: Key::of::<C::Interface>(), needs };
        self.components.push(DeclaredComponent { node, adopt: Wiring::adopt::<C::Interface> });
    }

    /// Copies out of the registry what the construction of the set may ask for.
    pub(super) fn wiring<C: ComponentSet>(
        &self,
        from: &Resolver<'_>,
    ) -> Result<Wiring, UnmetNeeds> {
        let mut wiring = Wiring::default();
        for component in &self.components {
            (component.adopt)(from, &mut wiring);
        }
        let mut unmet = Vec::new();
        for need in &self.needs {
            match (need.take)(from) {
                Ok(value) => wiring.put(need.entry, value),
                Err(missing) => {
                    let constructed = self.nodes().filter(|node| !wiring.has(&node.gives));
                    let needers: Vec<_> = constructed
                        .filter(|node| node.needs.iter().any(|needed| need.needs.contains(needed)))
                        .map(|node| node.name.clone())
                        .collect();
                    if !needers.is_empty() {
                        unmet.push((missing, needers));
                    }
                }
            }
        }
        if unmet.is_empty() { Ok(wiring) } else { Err(UnmetNeeds { set: set_name::<C>(), unmet }) }
    }

    /// Makes sure that the components that `is_replaced` leaves can be constructed one after the
    /// other.
    pub(super) fn check_order<C: ComponentSet>(
        &self,
        is_replaced: impl Fn(&Key) -> bool,
    ) -> Result<(), ComponentCycle> {
        let mut left: Vec<_> = self.nodes().filter(|node| !is_replaced(&node.gives)).collect();
        let waits_for = |node: &ComponentNode, left: &[&ComponentNode]| {
            left.iter().position(|other| node.needs.iter().any(|need| need.key == other.gives))
        };
        while let Some(free) = left.iter().position(|node| waits_for(node, &left).is_none()) {
            left.remove(free);
        }
        if left.is_empty() {
            return Ok(());
        }
        // Each that is left waits for another that is left, so that the walk comes back.
        let mut walk = vec![0];
        loop {
            let last = walk[walk.len() - 1];
            let next = waits_for(left[last], &left).expect("a free component was taken out");
            walk.push(next);
            if let Some(start) = walk[..walk.len() - 1].iter().position(|seen| *seen == next) {
                let path = walk[start..].iter().map(|at| left[*at].name.clone()).collect();
                return Err(ComponentCycle { set: set_name::<C>(), path });
            }
        }
    }

    fn nodes(&self) -> impl Iterator<Item = &ComponentNode> {
        self.components.iter().map(|component| &component.node)
    }

    fn optional_and_own(&self) -> impl Iterator<Item = (&str, Key)> {
        self.nodes().flat_map(|node| {
            let optional = node.needs.iter().filter(|need| need.arity == Arity::Optional);
            let own = optional.filter(|need| self.nodes().any(|other| other.gives == need.key));
            own.map(|need| (node.name.as_str(), need.key))
        })
    }

    fn unused(&self) -> impl Iterator<Item = Key> {
        let used = |need: &&Need| self.nodes().any(|node| node.needs.contains(need));
        self.needs
            .iter()
            .filter(move |need| need.needs.iter().find(used).is_none())
            .map(|need| need.entry)
    }
}
