//! Structs of needs: named, tuple, unit and generic ones, also inside each other.

#![deny(warnings)]

use std::sync::Arc;

use purlin::{
    clock::Clock,
    key::Key,
    needs::{Arity, Interface, Need, Needs},
};

trait Plugin: Interface {}

#[derive(Clone, Needs)]
struct State<T: Send + Sync + 'static> {
    clock: Clock,
    inner: Inner,
    store: Option<Arc<T>>,
    nothing: Nothing,
}

#[derive(Clone, Needs)]
struct Inner(Vec<Arc<dyn Plugin>>, Arc<String>);

#[derive(Clone, Needs)]
struct Nothing;

fn main() {
    let expected = [
        (Key::of::<Clock>(), Arity::One),
        (Key::of::<dyn Plugin>(), Arity::Many),
        (Key::of::<String>(), Arity::One),
        (Key::of::<u8>(), Arity::Optional),
    ];
    assert_eq!(Need::of::<State<u8>>(), expected.map(|(key, arity)| Need { key, arity }));
    let _ = |state: State<u8>| (state.clock, state.inner.0, state.inner.1, state.store, state.nothing);
}
