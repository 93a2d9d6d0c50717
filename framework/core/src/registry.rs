//! Where given things are kept until they are taken.

use std::{
    any::Any,
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::Arc,
};

use crate::{
    key::{Instance, Key},
    needs::{Injectable, Missing},
    spawner::panic_message,
};

/// An `Arc<T>` whose `T` is only known to those who ask for it.
pub(crate) type Erased = Box<dyn Any + Send + Sync>;

type Decorator = Arc<dyn Fn(Erased) -> Erased + Send + Sync>;

/// How values are wrapped, by key, in the order of the wrapping.
pub(crate) type Decorators = HashMap<Key, Vec<Decorator>>;

/// Everything that has been given, by key.
///
/// Replacements are put in first and stay: what a module gives under such a key is dropped. Nothing
/// here calls the code of an application, so that nobody waits long for its lock.
#[derive(Default)]
pub(crate) struct Registry {
    one: HashMap<Key, Erased>,
    groups: HashMap<Key, Vec<(usize, Erased)>>,
    overrides: Arc<Overrides>,
}

/// What stands in the place of given values, and what they are wrapped in.
#[derive(Default, Clone)]
pub(crate) struct Overrides {
    replaced: HashSet<Key>,
    decorators: Decorators,
}

/// What has been given, as one node of the graph sees it.
pub struct Resolver<'a> {
    registry: &'a Registry,
    redirects: &'a [(Key, Key)],
}

/// A value that is there from the beginning could not be wrapped.
#[derive(Debug, thiserror::Error)]
#[error("the decorator of `{key}` panicked: {message}")]
pub(crate) struct DecoratorPanicked {
    key: Key,
    message: String,
}

/// What one node gives, on its way into the registry.
#[derive(Default)]
pub struct Outputs {
    instance: Option<Instance>,
    /// Whether the values have been wrapped by the decorators of their keys.
    decorated: bool,
    one: Vec<(Key, Erased)>,
    members: Vec<(Key, Erased)>,
}

// === impl Registry ===

impl Registry {
    /// Fixes the value of a key, whatever a module gives.
    pub(crate) fn replace<T: Injectable + ?Sized>(
        &mut self,
        instance: Option<Instance>,
        value: Arc<T>,
    ) {
        let key = Key::of::<T>().at(instance);
        self.one.insert(key, Box::new(value));
        Arc::make_mut(&mut self.overrides).replaced.insert(key);
    }

    /// Wraps the value of a key in another, in the order of the calls.
    pub(crate) fn decorate<T: Injectable + ?Sized>(
        &mut self,
        instance: Option<Instance>,
        wrap: impl Fn(Arc<T>) -> Arc<T> + Send + Sync + 'static,
    ) {
        let wrap: Decorator = Arc::new(move |inner: Erased| {
            let inner = inner.downcast::<Arc<T>>().expect("a key determines its type");
            Box::new(wrap(*inner))
        });
        let overrides = Arc::make_mut(&mut self.overrides);
        overrides.decorators.entry(Key::of::<T>().at(instance)).or_default().push(wrap);
    }

    /// Wraps the replacements. Other values are wrapped before they come in.
    pub(crate) fn decorate_replacements(&mut self) -> Result<(), DecoratorPanicked> {
        for key in &self.overrides.replaced {
            if let Some(value) = self.one.remove(key) {
                let value = try_wrapped(&self.overrides.decorators, key, value)?;
                self.one.insert(*key, value);
            }
        }
        Ok(())
    }

    pub(crate) fn overrides(&self) -> Arc<Overrides> {
        self.overrides.clone()
    }

    /// Gives a value that is there from the beginning.
    pub(crate) fn insert<T: Injectable + ?Sized>(
        &mut self,
        value: Arc<T>,
    ) -> Result<(), DecoratorPanicked> {
        let key = Key::of::<T>();
        if !self.is_replaced(&key) {
            let value = try_wrapped(&self.overrides.decorators, &key, Box::new(value))?;
            self.one.insert(key, value);
        }
        Ok(())
    }

    /// Takes in what the node number `order` has given.
    pub(crate) fn put(&mut self, order: usize, outputs: Outputs) {
        for (key, value) in outputs.one {
            if !self.is_replaced(&key) {
                self.one.insert(key, value);
            }
        }
        for (key, value) in outputs.members {
            let members = self.groups.entry(key).or_default();
            let at = members.partition_point(|(other, _)| *other <= order);
            members.insert(at, (order, value));
        }
    }

    pub(crate) fn get<T: Injectable + ?Sized>(&self, key: Key) -> Option<&Arc<T>> {
        self.one.get(&key)?.downcast_ref()
    }

    pub(crate) fn is_replaced(&self, key: &Key) -> bool {
        self.overrides.replaced.contains(key)
    }

    pub(crate) fn resolver<'a>(&'a self, redirects: &'a [(Key, Key)]) -> Resolver<'a> {
        Resolver { registry: self, redirects }
    }
}

pub(crate) fn wrapped(decorators: &Decorators, key: &Key, value: Erased) -> Erased {
    decorators.get(key).into_iter().flatten().fold(value, |inner, wrap| wrap(inner))
}

/// As [`wrapped`], outside of a task that has a name for a panic.
fn try_wrapped(
    decorators: &Decorators,
    key: &Key,
    value: Erased,
) -> Result<Erased, DecoratorPanicked> {
    std::panic::catch_unwind(AssertUnwindSafe(|| wrapped(decorators, key, value)))
        .map_err(|panic| DecoratorPanicked { key: *key, message: panic_message(&*panic) })
}

// === impl Resolver ===

impl Resolver<'_> {
    /// The value of `key`, which is a key of `T`.
    ///
    /// # Errors
    /// [`Missing`] when it has not been given.
    pub fn get<T: Injectable + ?Sized>(&self, key: Key) -> Result<Arc<T>, Missing> {
        let key = self.redirected(key);
        self.registry.get::<T>(key).cloned().ok_or(Missing(key))
    }

    /// All members of the group of `T`, in the order in which their givers were registered.
    pub fn group<T: Injectable + ?Sized>(&self, key: Key) -> Vec<Arc<T>> {
        let members = self.registry.groups.get(&self.redirected(key)).into_iter().flatten();
        members.filter_map(|(_, member)| member.downcast_ref::<Arc<T>>().cloned()).collect()
    }

    fn redirected(&self, key: Key) -> Key {
        self.redirects.iter().find(|(from, _)| *from == key).map_or(key, |(_, to)| *to)
    }

    pub(crate) fn replacement<T: Injectable + ?Sized>(&self) -> Option<Arc<T>> {
        let key = Key::of::<T>();
        self.registry.is_replaced(&key).then(|| self.registry.get::<T>(key).cloned())?
    }

    pub(crate) fn decorators(&self, key: &Key) -> Vec<Decorator> {
        self.registry.overrides.decorators.get(key).cloned().unwrap_or_default()
    }
}

// === impl Outputs ===

impl Outputs {
    pub(crate) fn at(instance: Option<Instance>) -> Self {
        Self { instance, ..Self::default() }
    }

    /// Values that have been wrapped by the decorators of their keys.
    pub(crate) fn decorated() -> Self {
        Self { decorated: true, ..Self::default() }
    }

    /// Wraps the values, unless that is done or they are not used.
    pub(crate) fn decorate(&mut self, overrides: &Overrides) {
        if std::mem::replace(&mut self.decorated, true) {
            return;
        }
        let wrap = |(key, value)| (key, wrapped(&overrides.decorators, &key, value));
        let one = std::mem::take(&mut self.one).into_iter();
        self.one = one.filter(|(key, _)| !overrides.replaced.contains(key)).map(wrap).collect();
        self.members = std::mem::take(&mut self.members).into_iter().map(wrap).collect();
    }

    /// Gives the one `T`.
    pub fn one<T: Injectable + ?Sized>(&mut self, value: Arc<T>) {
        self.one.push((Key::of::<T>().at(self.instance), Box::new(value)));
    }

    /// Gives a member of the group of all `T`.
    pub fn member<T: Injectable + ?Sized>(&mut self, value: Arc<T>) {
        self.members.push((Key::of::<T>().at(self.instance), Box::new(value)));
    }
}
