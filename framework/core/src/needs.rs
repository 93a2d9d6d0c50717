//! What a module, a component or a runnable asks for.

use std::{fmt, marker::PhantomData, ops::Deref, sync::Arc};

pub use shaku::Interface;

use crate::{
    key::{Key, Name},
    registry::Resolver,
};

/// A type that can be injected: one need, or several.
///
/// ```
/// # extern crate purlin_core as purlin;
/// # use std::sync::Arc;
/// # use purlin::needs::{Interface, Needs};
/// # trait Mailer: Interface {}
/// # trait Plugin: Interface {}
/// # trait Cache: Interface {}
/// # fn needs<N: Needs>() {}
/// needs::<Arc<dyn Mailer>>();                // one, or the build fails
/// needs::<Option<Arc<dyn Cache>>>();         // one, if somebody gives it
/// needs::<Vec<Arc<dyn Plugin>>>();           // a group: all that are given, in order of registration
/// needs::<(Arc<dyn Mailer>, Vec<Arc<dyn Plugin>>)>();
/// ```
///
/// It is implemented for `Arc<T>`, for [handles](Handle) such as a database or the
/// [clock](crate::clock::Clock), for [`Named`] instances of either, for `Option` of these, for
/// `Vec<Arc<T>>`, and for tuples. A struct of needs derives it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be injected",
    note = "a need is an `Arc<T>`, a handle such as `Clock`, an `Option` or a `Named` of these, a `Vec<Arc<T>>`, a tuple, or a struct with `#[derive(Needs)]`"
)]
pub trait Needs: Sized + Send + 'static {
    /// Adds the needs of this type to `out`.
    fn needs(out: &mut Vec<Need>);

    /// Takes the values out of what has been given.
    ///
    /// # Errors
    /// [`Missing`] when a need was not given. The graph was checked before, so that this is met
    /// only by code that resolves by hand.
    fn take(from: &Resolver<'_>) -> Result<Self, Missing>;
}

pub use purlin_macros::Needs;

/// What can be shared through an `Arc`: anything that is `Send`, `Sync` and `'static`, also a trait.
///
/// (A trait that a *component* implements extends [`Interface`], which is shaku's name for it.)
pub trait Injectable: Send + Sync + 'static {}

/// A cheap clone of something shared, given and injected as itself, without an `Arc`.
///
/// A database client or the [clock](crate::clock::Clock) is one: all clones are the same thing.
pub trait Handle: Clone + Send + Sync + 'static {}

/// One need: what, and how badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// What is needed.
    pub key: Key,
    /// How many of it.
    pub arity: Arity,
}

/// How many givers a need takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// Exactly one; without it nothing is started.
    One,
    /// One or none.
    Optional,
    /// All there are.
    Many,
}

/// Nobody gives what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing gives `{0}`")]
pub struct Missing(pub Key);

/// The instance `N` of `T`: a view that dereferences to it.
///
/// ```
/// # extern crate purlin_core as purlin;
/// # use purlin::needs::{Interface, Named};
/// # trait Pool: Interface { fn size(&self) -> u32; }
/// purlin::name!(pub Analytics);
///
/// fn report(pool: Named<Analytics, dyn Pool>) -> u32 {
///     pool.size()
/// }
/// # fn main() {}
/// ```
pub struct Named<N, T: ?Sized>(Arc<T>, PhantomData<fn() -> N>);

// === impl Injectable ===

impl<T: ?Sized + Send + Sync + 'static> Injectable for T {}

// === impl Needs ===

impl Needs for () {
    fn needs(_: &mut Vec<Need>) {}

    fn take(_: &Resolver<'_>) -> Result<Self, Missing> {
        Ok(())
    }
}

impl<T: Injectable + ?Sized> Needs for Arc<T> {
    fn needs(out: &mut Vec<Need>) {
        out.push(Need::one(Key::of::<T>()));
    }

    fn take(from: &Resolver<'_>) -> Result<Self, Missing> {
        from.get::<T>(Key::of::<T>())
    }
}

#[diagnostic::do_not_recommend]
impl<H: Handle> Needs for H {
    fn needs(out: &mut Vec<Need>) {
        out.push(Need::one(Key::of::<H>()));
    }

    fn take(from: &Resolver<'_>) -> Result<Self, Missing> {
        from.get::<H>(Key::of::<H>()).map(Arc::unwrap_or_clone)
    }
}

impl<N: Name, T: Injectable + ?Sized> Needs for Named<N, T> {
    fn needs(out: &mut Vec<Need>) {
        out.push(Need::one(Key::named::<N, T>()));
    }

    fn take(from: &Resolver<'_>) -> Result<Self, Missing> {
        from.get::<T>(Key::named::<N, T>()).map(|it| Self(it, PhantomData))
    }
}

impl<T: Needs> Needs for Option<T> {
    fn needs(out: &mut Vec<Need>) {
        let first = out.len();
        T::needs(out);
        for need in &mut out[first..] {
            if need.arity == Arity::One {
                need.arity = Arity::Optional;
            }
        }
    }

    fn take(from: &Resolver<'_>) -> Result<Self, Missing> {
        Ok(T::take(from).ok())
    }
}

impl<T: Injectable + ?Sized> Needs for Vec<Arc<T>> {
    fn needs(out: &mut Vec<Need>) {
        out.push(Need { key: Key::of::<T>(), arity: Arity::Many });
    }

    fn take(from: &Resolver<'_>) -> Result<Self, Missing> {
        Ok(from.group::<T>(Key::of::<T>()))
    }
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<$($name: Needs),+> Needs for ($($name,)+) {
            fn needs(out: &mut Vec<Need>) {
                $($name::needs(out);)+
            }

            fn take(from: &Resolver<'_>) -> Result<Self, Missing> {
                Ok(($($name::take(from)?,)+))
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
tuples!(A B C D E F G);
tuples!(A B C D E F G H);

// === impl Need ===

impl Need {
    /// Exactly one of `key`.
    pub fn one(key: Key) -> Self {
        Self { key, arity: Arity::One }
    }

    /// The needs of a type.
    pub fn of<N: Needs>() -> Vec<Self> {
        let mut all = Vec::new();
        N::needs(&mut all);
        all
    }
}

// === impl Named ===

impl<N, T: ?Sized> Named<N, T> {
    /// The thing itself, without its name.
    pub fn into_inner(self) -> Arc<T> {
        self.0
    }
}

impl<N, T: ?Sized> Deref for Named<N, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<N, T: ?Sized> Clone for Named<N, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<N: Name, T: ?Sized> fmt::Debug for Named<N, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Named({})", N::NAME)
    }
}
