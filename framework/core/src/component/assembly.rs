//! Building a set, for the engine and by hand.

use std::{
    fmt,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use shaku::ModuleBuilder;

use super::{ComponentPanicked, ComponentSet, declaration::Declaration, set_name, wiring::Wiring};
use crate::{
    error::Result,
    gives::Gives,
    needs::Interface,
    registry::{Outputs, Registry, Resolver},
    spawner::panic_message,
};

/// Builds a set from given values; made by [`ComponentSet::builder`].
pub struct SetBuilder<C> {
    registry: Registry,
    set: PhantomData<fn() -> C>,
}

/// Takes what a set needs out of what has been given.
pub(crate) fn wire<C: ComponentSet>(from: &Resolver<'_>) -> Result<Wiring> {
    let declaration = Declaration::of::<C>();
    let wiring = declaration.wiring::<C>(from)?;
    declaration.check_order::<C>(|interface| wiring.is_replaced(interface))?;
    Ok(wiring)
}

/// Builds a set, which calls its constructors. Its outputs are decorated already.
pub(crate) fn assemble<C: ComponentSet>(wiring: Wiring) -> Result<Outputs> {
    let set = Arc::new(build::<C>(wiring)?);
    let mut outputs = Outputs::decorated();
    set.give(&mut outputs);
    outputs.one(set);
    Ok(outputs)
}

fn build<C: ComponentSet>(wiring: Wiring) -> Result<C> {
    let path = wiring.path();
    let builder = ModuleBuilder::<C>::with_submodules(wiring);
    // What a panicking constructor leaves behind is dropped here, so nobody can see it half made.
    catch_unwind(AssertUnwindSafe(|| builder.build())).map_err(|panic| {
        let component = path.innermost().unwrap_or_else(set_name::<C>);
        ComponentPanicked { component, message: panic_message(&*panic) }.into()
    })
}

// === impl SetBuilder ===

impl<C: ComponentSet> SetBuilder<C> {
    /// Gives the components what they need: an `Arc<T>`, a handle, a
    /// [`Group`](crate::gives::Group), or a tuple of these.
    pub fn give(mut self, gift: impl Gives) -> Self {
        let mut outputs = Outputs::default();
        gift.put(&mut outputs);
        self.registry.put(0, outputs);
        self
    }

    /// Puts `value` in the place of a component, which is not constructed.
    pub fn replace<I: Interface + ?Sized>(mut self, value: Arc<I>) -> Self {
        self.registry.replace(None, value);
        self
    }

    /// Constructs the components.
    ///
    /// # Errors
    /// [`UnmetNeeds`](super::UnmetNeeds) when something that is needed was not given,
    /// [`ComponentCycle`](super::ComponentCycle) when components need each other, and
    /// [`ComponentPanicked`] when a constructor panicked.
    pub fn build(self) -> Result<C> {
        build(wire::<C>(&self.registry.resolver(&[]))?)
    }
}

impl<C> Default for SetBuilder<C> {
    fn default() -> Self {
        Self { registry: Registry::default(), set: PhantomData }
    }
}

impl<C> fmt::Debug for SetBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetBuilder").finish_non_exhaustive()
    }
}
