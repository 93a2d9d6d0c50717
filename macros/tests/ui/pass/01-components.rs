//! The expansion of a set keeps to strict lints, and names nothing that a user could shadow.

#![no_implicit_prelude]
#![deny(warnings, missing_docs, unreachable_pub)]

use ::purlin::{
    clock::Clock,
    component::{Component, ComponentSet, components},
    needs::Interface,
};
use ::std::{assert_eq, sync::Arc, sync::atomic::AtomicU64};

/// Keeps orders.
pub(crate) trait OrderRepo: Interface {
    fn count(&self) -> u64;
}

/// Shadows nothing.
pub trait Needs: Interface {}

#[derive(Component)]
#[shaku(interface = OrderRepo)]
struct PgOrderRepo(Clock, #[component(default = AtomicU64::new(7))] AtomicU64, Option);

/// No `core::option::Option`.
#[derive(::std::clone::Clone)]
struct Option;

impl OrderRepo for PgOrderRepo {
    fn count(&self) -> u64 {
        let _ = (self.0.now(), &self.2);
        self.1.load(::std::sync::atomic::Ordering::Relaxed)
    }
}

components! { pub(crate) Orders { needs: [Clock, Arc<Option>,], components: [PgOrderRepo,], } }

fn main() {
    let orders = Orders::builder().give((Clock::system(), Arc::new(Option))).build();
    assert_eq!(orders.expect("everything is given").get::<dyn OrderRepo>().count(), 7);
}

