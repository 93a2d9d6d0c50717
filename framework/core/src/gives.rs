//! What a module gives.

use std::sync::Arc;

use crate::{
    key::Key,
    needs::{Handle, Injectable},
    registry::Outputs,
};

/// A type that others can need once a module has returned it.
///
/// ```
/// # extern crate purlin_core as purlin;
/// # use std::sync::Arc;
/// # use purlin::{gives::{Gives, Group}, needs::Interface};
/// # trait Mailer: Interface {}
/// # trait Plugin: Interface {}
/// # fn gives<G: Gives>() {}
/// gives::<Arc<dyn Mailer>>();
/// gives::<Group<dyn Plugin>>();              // one member of a group
/// gives::<(Arc<dyn Mailer>, Group<dyn Plugin>)>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be given",
    note = "a module gives an `Arc<T>`, a handle, a `Group<T>`, or a tuple of these"
)]
pub trait Gives: Sized + Send + 'static {
    /// Adds what this type gives to `out`.
    fn gives(out: &mut Vec<Gift>);

    /// Hands the values over.
    fn put(self, into: &mut Outputs);
}

/// One member of the group of all `T`: whoever needs `Vec<Arc<T>>` gets them all.
#[derive(Debug)]
pub struct Group<T: ?Sized>(pub Arc<T>);

/// One thing that is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gift {
    /// What is given.
    pub key: Key,
    /// Whether it is a member of a group.
    pub group: bool,
}

// === impl Gives ===

impl Gives for () {
    fn gives(_: &mut Vec<Gift>) {}

    fn put(self, _: &mut Outputs) {}
}

impl<T: Injectable + ?Sized> Gives for Arc<T> {
    fn gives(out: &mut Vec<Gift>) {
        out.push(Gift { key: Key::of::<T>(), group: false });
    }

    fn put(self, into: &mut Outputs) {
        into.one(self);
    }
}

impl<H: Handle> Gives for H {
    fn gives(out: &mut Vec<Gift>) {
        out.push(Gift { key: Key::of::<H>(), group: false });
    }

    fn put(self, into: &mut Outputs) {
        into.one(Arc::new(self));
    }
}

impl<T: Injectable + ?Sized> Gives for Group<T> {
    fn gives(out: &mut Vec<Gift>) {
        out.push(Gift { key: Key::of::<T>(), group: true });
    }

    fn put(self, into: &mut Outputs) {
        into.member(self.0);
    }
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<$($name: Gives),+> Gives for ($($name,)+) {
            fn gives(out: &mut Vec<Gift>) {
                $($name::gives(out);)+
            }

            #[expect(non_snake_case, reason = "a macro has no other names for the fields of a tuple")]
            fn put(self, into: &mut Outputs) {
                let ($($name,)+) = self;
                $($name.put(into);)+
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);

// === impl Gift ===

impl Gift {
    /// What a type gives.
    pub fn of<G: Gives>() -> Vec<Self> {
        let mut all = Vec::new();
        G::gives(&mut all);
        all
    }
}
