//! How a set under construction sees what has been given.

use std::{
    any::type_name,
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shaku::ModuleBuildContext;

use super::Component;
use crate::{
    key::{Key, short},
    needs::Interface,
    registry::{Decorators, Erased, Resolver, wrapped},
};

/// What the constructors of a set may ask for: replacements, needs, and what was built before.
///
/// It owns copies, so that a set does not keep the registry alive, and is gone when the set stands.
#[doc(hidden)]
#[derive(Default)]
pub struct Wiring {
    values: Mutex<HashMap<Key, Erased>>,
    replaced: HashSet<Key>,
    decorators: Decorators,
    path: ConstructionPath,
}

/// Builds the component `C` unless its interface is replaced, and decorates it once.
pub fn construct<C, M>(cx: &mut ModuleBuildContext<M>) -> Arc<<C as Component>::Interface>
where
    M: shaku::Module<Submodules = Wiring>,
    C: Component + shaku::Component<M, Interface = <C as Component>::Interface>,
{
    if let Some(value) = cx.submodules().get() {
        return value;
    }
    cx.submodules().path.lock().push(type_name::<C>());
    let built = cx.build_component::<C>();
    let wiring = cx.submodules();
    let value = wiring.decorated(built);
    wiring.path.lock().pop();
    value
}

/// Takes the need `T`, for a component that is under construction.
pub fn need<T: Interface + ?Sized, M>(cx: &mut ModuleBuildContext<M>) -> Arc<T>
where
    M: shaku::Module<Submodules = Wiring>,
{
    let wiring = cx.submodules();
    wiring.get().unwrap_or_else(|| panic!("nothing gives `{}`", Key::of::<T>()))
}

/// The need `T` of a set that stands, if it was given.
pub fn needed<T: ?Sized + 'static>(slot: &Option<Arc<T>>) -> &Arc<T> {
    slot.as_ref().unwrap_or_else(|| {
        panic!("`{}` was not given: the components that need it are replaced", Key::of::<T>())
    })
}

// === impl Wiring ===

impl Wiring {
    /// The value of `T`, if there is one yet.
    pub fn get<T: Interface + ?Sized>(&self) -> Option<Arc<T>> {
        self.values().get(&Key::of::<T>())?.downcast_ref::<Arc<T>>().cloned()
    }

    pub(super) fn put(&mut self, key: Key, value: Erased) {
        self.values().insert(key, value);
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.values().contains_key(key)
    }

    pub(super) fn is_replaced(&self, key: &Key) -> bool {
        self.replaced.contains(key)
    }

    /// Takes over how the interface `I` is overridden.
    pub(super) fn adopt<I: Interface + ?Sized>(from: &Resolver<'_>, wiring: &mut Self) {
        let key = Key::of::<I>();
        match from.replacement::<I>() {
            Some(replacement) => {
                wiring.put(key, Box::new(replacement));
                wiring.replaced.insert(key);
            }
            None => {
                wiring.decorators.insert(key, from.decorators(&key));
            }
        }
    }

    /// The names of the components under construction, to be read after a panic.
    pub(super) fn path(&self) -> ConstructionPath {
        self.path.clone()
    }

    fn decorated<I: Interface + ?Sized>(&self, built: Arc<I>) -> Arc<I> {
        let key = Key::of::<I>();
        let value = wrapped(&self.decorators, &key, Box::new(built));
        let value = value.downcast::<Arc<I>>().expect("a decorator keeps the type of its key");
        self.values().insert(key, Box::new(Arc::clone(&value)));
        *value
    }

    fn values(&self) -> MutexGuard<'_, HashMap<Key, Erased>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The components under construction, each needed by the one before it.
#[derive(Default, Clone)]
pub(super) struct ConstructionPath(Arc<Mutex<Vec<&'static str>>>);

// === impl ConstructionPath ===

impl ConstructionPath {
    pub(super) fn innermost(&self) -> Option<String> {
        self.lock().last().map(|name| short(name))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<&'static str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
