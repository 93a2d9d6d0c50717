use std::sync::{
    Arc, Weak,
    atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{
    clock::Clock,
    config::Live,
    error::Result,
    gives::{Gives, Group},
    key::{Instance, Key},
    needs::{Arity, Injectable, Named},
    plan::Plan,
    registry::{Registry, Resolver},
};

crate::name!(Analytics);

trait Store: Interface {
    fn name(&self) -> String;
}

trait Service: Interface {
    fn report(&self) -> String;
}

trait Plugin: Interface {
    fn name(&self) -> &'static str;
}

struct Given(&'static str);

impl Store for Given {
    fn name(&self) -> String {
        self.0.to_owned()
    }
}

impl Plugin for Given {
    fn name(&self) -> &'static str {
        self.0
    }
}

fn assembled<C: ComponentSet>(from: &Resolver<'_>) -> Result<Outputs> {
    assemble::<C>(wire::<C>(from)?)
}

fn store(name: &'static str) -> Arc<dyn Store> {
    Arc::new(Given(name))
}

/// A registry in which `gifts` were given one after the other.
fn given(gifts: impl Gives) -> Registry {
    let mut registry = Registry::default();
    give(&mut registry, None, gifts);
    registry
}

fn give(registry: &mut Registry, instance: Option<Instance>, gifts: impl Gives) {
    let mut outputs = Outputs::at(instance);
    gifts.put(&mut outputs);
    registry.put(0, outputs);
}

/// Assembles a set as the engine does, and puts its outputs back into the registry.
fn start<C: ComponentSet>(registry: &mut Registry) -> Arc<C> {
    let outputs = assembled::<C>(&registry.resolver(&[])).unwrap();
    registry.put(1, outputs);
    of(registry)
}

fn of<T: Injectable + ?Sized>(registry: &Registry) -> Arc<T> {
    registry.get::<T>(Key::of::<T>()).unwrap().clone()
}

// What is injected.

/// Neither an `Arc` nor a handle.
#[derive(Clone)]
struct Limit(u32);

#[derive(Component)]
#[shaku(interface = Service)]
struct Everything {
    #[shaku(inject)]
    store: Arc<dyn Store>,
    shared: Arc<Limit>,
    cloned: Limit,
    clock: Clock,
    live: Live<Limit>,
    absent: Option<Arc<dyn Service2>>,
    present: Option<Live<Limit>>,
    plugins: Vec<Arc<dyn Plugin>>,
    named: Named<Analytics, dyn Store>,
    #[component(default)]
    calls: AtomicUsize,
    #[shaku(default = 40 + 2)]
    answer: u8,
}

trait Service2: Interface {}

impl Service for Everything {
    fn report(&self) -> String {
        let started = self.clock.now();
        assert!(self.clock.now() >= started);
        let plugins: Vec<_> = self.plugins.iter().map(|plugin| plugin.name()).collect();
        format!(
            "{} {} {} {} {} {} {} {} {} {}",
            self.store.name(),
            self.shared.0,
            self.cloned.0,
            self.live.get().0,
            self.absent.is_some(),
            self.present.as_ref().is_some_and(|live| live.get().0 == self.live.get().0),
            plugins.join("+"),
            self.named.name(),
            self.calls.fetch_add(1, Ordering::Relaxed),
            self.answer,
        )
    }
}

components! {
    /// One of each kind.
    Kinds {
        needs: [
            dyn Store,
            Limit,
            Clock,
            Live<Limit>,
            Option<Arc<dyn Service2>>,
            Option<Live<Limit>>,
            Vec<Arc<dyn Plugin>>,
            Named<Analytics, dyn Store>,
        ],
        components: [Everything],
    }
}

#[test]
fn fields_of_all_kinds_are_injected() {
    let live = Live::new(Limit(3));
    let mut registry = given((
        store("main"),
        Arc::new(Limit(1)),
        Clock::system(),
        live.clone(),
        Group(Arc::new(Given("first")) as Arc<dyn Plugin>),
        Group(Arc::new(Given("second")) as Arc<dyn Plugin>),
    ));
    give(&mut registry, Some(Instance::of::<Analytics>()), store("analytics"));
    live.set(Limit(4));

    let kinds = start::<Kinds>(&mut registry);
    let service = kinds.get::<dyn Service>();
    assert_eq!(service.report(), "main 1 1 4 false true first+second analytics 0 42");
    assert!(Arc::ptr_eq(&service, &of::<dyn Service>(&registry)), "the set gives what it holds");
}

#[test]
fn the_needs_of_a_component_are_those_of_its_fields() {
    let [node] = &nodes::<Kinds>()[..] else { panic!("there is one component") };
    assert_eq!((node.name.as_str(), node.gives), ("Everything", Key::of::<dyn Service>()));
    let limit = Key::of::<Limit>();
    let live = Key::of::<Live<Limit>>();
    let expected = [
        (Key::of::<dyn Store>(), Arity::One),
        (limit, Arity::One),
        (limit, Arity::One),
        (Key::of::<Clock>(), Arity::One),
        (live, Arity::One),
        (Key::of::<dyn Service2>(), Arity::Optional),
        (live, Arity::Optional),
        (Key::of::<dyn Plugin>(), Arity::Many),
        (Key::named::<Analytics, dyn Store>(), Arity::One),
    ];
    assert_eq!(node.needs, expected.map(|(key, arity)| Need { key, arity }));
    assert_eq!(set_name::<Kinds>(), "Kinds");
}

// A store, and a service upon it.

#[derive(Component)]
#[shaku(interface = Store)]
struct Sql {
    limit: Arc<Limit>,
}

impl Store for Sql {
    fn name(&self) -> String {
        format!("sql{}", self.limit.0)
    }
}

#[derive(Component)]
#[shaku(interface = Service)]
struct OnStore {
    store: Arc<dyn Store>,
}

impl Service for OnStore {
    fn report(&self) -> String {
        format!("on {}", self.store.name())
    }
}

trait Audit: Interface {
    fn store(&self) -> &Arc<dyn Store>;
}

#[derive(Component)]
#[shaku(interface = Audit)]
struct Auditor(Arc<dyn Store>);

impl Audit for Auditor {
    fn store(&self) -> &Arc<dyn Store> {
        &self.0
    }
}

components! { Orders { needs: [Limit], components: [OnStore, Auditor, Sql] } }

#[test]
fn a_replaced_component_is_not_constructed_and_what_it_needs_may_be_absent() {
    let mut registry = Registry::default();
    registry.replace::<dyn Store>(None, store("fake"));
    let orders = start::<Orders>(&mut registry);
    assert_eq!(orders.get::<dyn Service>().report(), "on fake");
    assert_eq!(of::<dyn Store>(&registry).name(), "fake", "the replacement stays");
}

#[test]
#[should_panic(expected = "`Limit` was not given: the components that need it are replaced")]
fn a_need_that_nobody_had_is_not_in_the_set() {
    Orders::builder().replace(store("fake")).build().unwrap().get::<Limit>();
}

#[test]
fn what_a_constructed_component_needs_may_not_be_absent() {
    let mut registry = Registry::default();
    registry.replace::<dyn Service>(None, Arc::new(OnStore { store: store("fake") }));
    let error = assembled::<Orders>(&registry.resolver(&[])).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "`Orders` cannot be built: nothing gives `Limit`, needed by Sql");
    assert!(error.is::<UnmetNeeds>());
}

struct Counted {
    inner: Arc<dyn Store>,
}

impl Store for Counted {
    fn name(&self) -> String {
        format!("<{}>", self.inner.name())
    }
}

#[test]
fn a_decorator_is_called_once_and_everybody_sees_its_value() {
    let calls = Arc::new(AtomicUsize::new(0));
    let mut registry = given(Arc::new(Limit(5)));
    let counter = Arc::clone(&calls);
    registry.decorate::<dyn Store>(None, move |inner| {
        counter.fetch_add(1, Ordering::Relaxed);
        Arc::new(Counted { inner })
    });

    let orders = start::<Orders>(&mut registry);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(orders.get::<dyn Service>().report(), "on <sql5>");
    assert!(Arc::ptr_eq(orders.get::<dyn Audit>().store(), &of::<dyn Store>(&registry)));
}

#[test]
fn a_set_can_be_given_a_named_instance() {
    let mut registry = given(Arc::new(Limit(1)));
    give(&mut registry, Some(Instance::of::<Analytics>()), Arc::new(Limit(2)));
    let redirects = [(Key::of::<Limit>(), Key::named::<Analytics, Limit>())];
    let outputs = assembled::<Orders>(&registry.resolver(&redirects)).unwrap();
    registry.put(1, outputs);
    assert_eq!(of::<dyn Store>(&registry).name(), "sql2");
}

#[test]
fn a_set_does_not_keep_the_registry() {
    let (used, unused) = (Arc::new(Limit(1)), store("another"));
    let (weakly_used, weakly_unused) = (Arc::downgrade(&used), Arc::downgrade(&unused));
    let mut registry = given(used);
    give(&mut registry, Some(Instance::of::<Analytics>()), unused);
    let orders = start::<Orders>(&mut registry);
    drop(registry);

    assert_eq!(Weak::strong_count(&weakly_unused), 0);
    assert_eq!(Weak::strong_count(&weakly_used), 2, "the component and the set share it");
    drop(orders);
    assert_eq!(Weak::strong_count(&weakly_used), 0);
}

// What goes wrong.

#[derive(Component)]
#[shaku(interface = Store)]
struct Fragile {
    #[component(default = room(7))]
    _size: u8,
}

impl Store for Fragile {
    fn name(&self) -> String {
        "fragile".to_owned()
    }
}

fn room(size: u8) -> u8 {
    assert!(size < 7, "no room for {size}");
    size
}

components! { Broken { components: [OnStore, Fragile] } }

#[test]
fn a_panic_names_the_component_that_was_under_construction() {
    let error = Broken::builder().build().unwrap_err();
    let panicked = error.downcast_ref::<ComponentPanicked>().unwrap();
    assert_eq!(
        (panicked.component.as_str(), panicked.message.as_str()),
        ("Fragile", "no room for 7")
    );
    assert_eq!(
        error.to_string(),
        "component `Fragile` panicked while it was constructed: no room for 7"
    );
}

#[test]
fn a_panicking_decorator_is_laid_at_the_component_it_decorates() {
    let mut registry = given(Arc::new(Limit(5)));
    registry.decorate::<dyn Store>(None, |_| panic!("not today"));
    let error = assembled::<Orders>(&registry.resolver(&[])).map(|_| ()).unwrap_err();
    assert_eq!(error.downcast_ref::<ComponentPanicked>().unwrap().component, "Sql");
}

#[derive(Component)]
#[shaku(interface = Store)]
struct StoreOnService {
    _service: Arc<dyn Service>,
}

impl Store for StoreOnService {
    fn name(&self) -> String {
        "circular".to_owned()
    }
}

components! { Circular { components: [Auditor, OnStore, StoreOnService] } }

#[test]
fn components_that_need_each_other_are_found_before_the_start() {
    let error = crate::app::App::builder().components::<Circular>().validate().unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("these wait for each other: StoreOnService -> OnStore -> StoreOnService"),
        "{text}"
    );
    assert_eq!(error.len(), 1, "{text}");
    assert!(Circular::builder().build().unwrap_err().is::<ComponentCycle>());
}

#[test]
fn a_replacement_opens_a_circle() {
    let circular = Circular::builder().replace(store("fake")).build().unwrap();
    assert_eq!(circular.get::<dyn Service>().report(), "on fake");
}

#[derive(Component)]
#[shaku(interface = Service)]
struct Perhaps {
    _store: Option<Arc<dyn Store>>,
}

impl Service for Perhaps {
    fn report(&self) -> String {
        String::new()
    }
}

components! { Odd { needs: [Limit, Option<Arc<dyn Store>>, Clock], components: [Sql, Perhaps] } }

#[test]
fn an_option_of_an_own_component_is_a_problem_and_an_unused_need_a_warning() {
    let mut found = Plan::default();
    plan::<Odd>(&mut found);
    let [problem] = &found.problems[..] else { panic!("one problem: {found:?}") };
    assert_eq!(
        problem.what,
        "`Perhaps` takes `dyn Store` as an option, and the set itself builds it"
    );
    assert_eq!(problem.fix, "inject it as `Arc<dyn Store>`");
    assert_eq!(found.warnings, ["`Clock` is one of its needs, and no component uses it"]);
}

// By hand, and shaku's contract.

trait Of<T>: Interface {
    fn value(&self) -> T;
}

#[derive(Component)]
#[component(interface = dyn Of<T>)]
struct Generic<T: Clone + Send + Sync>
where
    T: 'static,
{
    value: Arc<T>,
}

impl<T: Clone + Send + Sync + 'static> Of<T> for Generic<T> {
    fn value(&self) -> T {
        T::clone(&self.value)
    }
}

components! { Generics { needs: [Arc<String>, u64], components: [Generic<String>, Generic<u64>] } }

#[test]
fn a_set_of_generic_components_is_built_by_hand() {
    let set =
        Generics::builder().give((Arc::new("one".to_owned()), Arc::new(2_u64))).build().unwrap();
    assert_eq!(set.get::<dyn Of<String>>().value(), "one");
    assert_eq!(set.get::<dyn Of<u64>>().value(), 2);
    assert_eq!(*set.get::<u64>(), 2, "what was needed is there, too");
}

#[test]
fn code_that_is_generic_over_shaku_takes_a_set() {
    fn report(module: &impl HasComponent<dyn Service>) -> String {
        let resolved: Arc<dyn Service> = module.resolve();
        assert_eq!(module.resolve_ref().report(), resolved.report());
        resolved.report()
    }
    let orders = Orders::builder().give(Arc::new(Limit(9))).build().unwrap();
    assert_eq!(report(&orders), "on sql9");
}
