use std::{fmt, sync::Arc, time::Duration};

use super::{Maker, OnEnd, RunSpec, Runnable, Tier};
use crate::{
    needs::{Missing, Need, Needs},
    registry::Resolver,
};

/// A runnable of the application itself, with the factory that makes its instances.
///
/// ```
/// # extern crate purlin_core as purlin;
/// # use std::sync::Arc;
/// # use purlin::{async_trait, error::Result, needs::Interface, runnable::{Run, RunCx, Runnable}};
/// # trait Orders: Interface {}
/// # struct Confirmer { orders: Arc<dyn Orders> }
/// # #[async_trait]
/// # impl Runnable for Confirmer { async fn run(&self, cx: RunCx) -> Result<()> { Ok(()) } }
/// let confirmer = Run::new("confirmer", |orders: Arc<dyn Orders>| Confirmer { orders });
/// ```
///
/// The arguments of the factory are needs, checked like any other. A restart and each term of
/// leadership get a fresh instance.
pub struct Run {
    pub(crate) needs: Vec<Need>,
    pub(crate) bind: Bind,
    pub(crate) spec: RunSpec,
}

/// Turns a factory with needs into one without.
pub(crate) type Bind = Box<dyn Fn(&Resolver<'_>) -> Result<Maker, Missing> + Send + Sync>;

/// A function whose arguments are needs and which makes a [`Runnable`].
///
/// Implemented for closures and functions of up to eight arguments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no factory of a runnable",
    note = "a factory is a function of up to eight needs that returns a type which implements `Runnable`"
)]
pub trait Factory<Args>: Send + Sync + 'static {
    /// The needs of the factory.
    type Needs: Needs + Clone + Sync;
    /// What it makes.
    type Runnable: Runnable;

    /// Makes an instance.
    fn make(&self, needs: Self::Needs) -> Self::Runnable;
}

// === impl Run ===

impl Run {
    /// A runnable that `factory` makes.
    pub fn new<Args, F: Factory<Args>>(name: impl Into<String>, factory: F) -> Self {
        let factory = Arc::new(factory);
        let unbound: Maker = Arc::new(|| unreachable!("a runnable is bound before it is made"));
        Self {
            needs: Need::of::<F::Needs>(),
            bind: Box::new(move |resolver| {
                let (factory, needs) = (factory.clone(), F::Needs::take(resolver)?);
                Ok(Arc::new(move || Arc::new(factory.make(needs.clone()))))
            }),
            spec: RunSpec::new(name, unbound),
        }
    }

    /// Sets when it stops; [`Tier::WORKERS`] by default.
    #[must_use]
    pub fn tier(mut self, tier: Tier) -> Self {
        self.spec.tier(tier);
        self
    }

    /// Sets what follows when it ends by itself; [`OnEnd::Restart`] by default.
    #[must_use]
    pub fn on_end(mut self, on_end: OnEnd) -> Self {
        self.spec.on_end(on_end);
        self
    }

    /// Sets how long its graceful stop may take; by default, what the total deadline allows.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.spec.grace(grace);
        self
    }

    /// Runs it only where this instance leads `name`: one instance per term, through its factory.
    #[must_use]
    pub fn leader_only(mut self, name: impl Into<String>) -> Self {
        self.spec.leader_only(name);
        self.needs.push(Need::one(crate::key::Key::of::<dyn crate::leader::LeaseStore>()));
        self
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(f)
    }
}

// === impl Factory ===

macro_rules! factories {
    ($($name:ident)*) => {
        #[expect(non_snake_case, reason = "a macro has no other names for the arguments")]
        impl<Func, Out, $($name),*> Factory<($($name,)*)> for Func
        where
            Func: Fn($($name),*) -> Out + Send + Sync + 'static,
            Out: Runnable,
            ($($name,)*): Needs + Clone + Sync,
        {
            type Needs = ($($name,)*);
            type Runnable = Out;

            fn make(&self, ($($name,)*): Self::Needs) -> Out {
                self($($name),*)
            }
        }
    };
}

impl<Func, Out> Factory<()> for Func
where
    Func: Fn() -> Out + Send + Sync + 'static,
    Out: Runnable,
{
    type Needs = ();
    type Runnable = Out;

    fn make(&self, (): ()) -> Out {
        self()
    }
}

factories!(A);
factories!(A B);
factories!(A B C);
factories!(A B C D);
factories!(A B C D E);
factories!(A B C D E F);
factories!(A B C D E F G);
factories!(A B C D E F G H);
