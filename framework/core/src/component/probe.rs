//! How a type that is written in `needs: [..]`, or as a field, becomes a need.
//!
//! `dyn Cache` and `OrdersConfig` stand for an `Arc` of themselves; `Option<Arc<dyn Cache>>`,
//! `Named<Analytics, Pg>` and handles are needs as they stand. A macro sees tokens, and an alias
//! would deceive it, so the compiler decides: the inherent functions of [`Probe`] exist where a type
//! implements [`Needs`] and go before those of [`ByArc`], which serve all the others.

use std::{marker::PhantomData, sync::Arc};

use crate::{
    needs::{Injectable, Interface, Missing, Need, Needs},
    registry::Resolver,
};

/// Asks how `T` is injected.
pub struct Probe<T: ?Sized>(PhantomData<fn() -> Box<T>>);

/// What is no need itself is injected through its `Arc`.
pub trait ByArc<T: ?Sized> {
    /// Adds the need of an `Arc<T>` to `out`.
    fn needs(out: &mut Vec<Need>);

    /// Takes an `Arc<T>`.
    fn take(from: &Resolver<'_>) -> Result<Arc<T>, Missing>;
}

/// A type that can be the type of a field that is injected and is not an `Arc`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be injected",
    label = "injected, but cannot be cloned out of its `Arc`",
    note = "write `Arc<{Self}>` to share it, or `#[component(default)]` if this field is the component's own"
)]
pub trait Injected: Interface {
    /// The value, which may be a clone of what is shared.
    fn out_of(shared: Arc<Self>) -> Self;
}

/// The value of a field that is not an `Arc`.
pub fn hand_out<T: Injected>(shared: Arc<T>) -> T {
    T::out_of(shared)
}

// === impl Probe ===

impl<T: Needs + Interface> Probe<T> {
    /// Adds the needs of `T` to `out`.
    pub fn needs(out: &mut Vec<Need>) {
        T::needs(out);
    }

    /// Takes a `T`.
    pub fn take(from: &Resolver<'_>) -> Result<Arc<T>, Missing> {
        T::take(from).map(Arc::new)
    }
}

impl<T: Injectable + ?Sized> ByArc<T> for Probe<T> {
    fn needs(out: &mut Vec<Need>) {
        <Arc<T> as Needs>::needs(out);
    }

    fn take(from: &Resolver<'_>) -> Result<Arc<T>, Missing> {
        <Arc<T> as Needs>::take(from)
    }
}

// === impl Injected ===

#[diagnostic::do_not_recommend]
impl<T: Clone + Interface> Injected for T {
    fn out_of(shared: Arc<Self>) -> Self {
        Arc::unwrap_or_clone(shared)
    }
}
