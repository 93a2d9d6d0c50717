//! Components: structs whose fields are injected, and sets of them that are wired at compile time.
//!
//! ```
//! # extern crate purlin_core as purlin;
//! use std::sync::Arc;
//! use purlin::{clock::Clock, component::{Component, ComponentSet, components}, needs::Interface};
//!
//! trait OrderRepo: Interface {
//!     fn count(&self) -> u64;
//! }
//!
//! trait OrderService: Interface {
//!     fn report(&self) -> String;
//! }
//!
//! #[derive(Component)]
//! #[shaku(interface = OrderRepo)]
//! struct ClockedRepo {
//!     clock: Clock,                             // a handle: cloned
//!     #[component(default = 3)] count: u64,     // not injected
//! }
//!
//! #[derive(Component)]
//! #[shaku(interface = OrderService)]
//! struct OrderServiceImpl {
//!     repo: Arc<dyn OrderRepo>,
//! }
//!
//! components! { pub Orders { needs: [Clock], components: [ClockedRepo, OrderServiceImpl] } }
//! #
//! # impl OrderRepo for ClockedRepo {
//! #     fn count(&self) -> u64 { let _ = self.clock.now(); self.count }
//! # }
//! # impl OrderService for OrderServiceImpl {
//! #     fn report(&self) -> String { format!("{} orders", self.repo.count()) }
//! # }
//!
//! // An app does this at start: `.components::<Orders>()`. By hand it is:
//! # fn main() -> purlin::error::Result<()> {
//! let orders = Orders::builder().give(Clock::system()).build()?;
//! assert_eq!(orders.get::<dyn OrderService>().report(), "3 orders");
//! # Ok(())
//! # }
//! ```
//!
//! # What is wired when
//! Inside a set, wiring is checked by the compiler: what a component injects is built by the set or
//! is one of its `needs`. Whether somebody gives the `needs` is checked by `build()`, before any
//! I/O. Constructors run once, at start, and do no I/O; what has to be awaited is a module or a
//! `provide`. From then on an injected field is a plain field: resolving costs nothing per request.
//!
//! # Shaku
//! The contract is that of [shaku](https://docs.rs/shaku): a component implements
//! `shaku::Component`, and a set `shaku::Module` and `shaku::HasComponent`, so that code which is
//! generic over these takes it. Two macros of our own stand in for shaku's because its `module!`
//! cannot take an `Arc` that was made by an async constructor, names `::shaku` in the user's crate,
//! and answers a missing component with some hundred lines.

mod assembly;
mod declaration;
mod error;
mod probe;
mod wiring;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use purlin_macros::{Component, components};
pub use shaku::HasComponent;
use shaku::ModuleBuildContext;

pub use self::{
    assembly::SetBuilder,
    error::{ComponentCycle, ComponentPanicked, UnmetNeeds},
};
pub(crate) use self::{
    assembly::{assemble, wire},
    declaration::{nodes, plan, set_name},
};
#[doc(hidden)]
pub use self::{
    declaration::Declaration,
    probe::{ByArc, Injected, Probe, hand_out},
    wiring::{Wiring, construct, need, needed},
};
use crate::{
    needs::{Interface, Need},
    registry::Outputs,
};

/// A struct whose fields are injected, and which is given as its interface.
///
/// It is derived; see the [module](self) for an example.
///
/// # Attributes of the struct
/// - `#[shaku(interface = Trait)]`: the trait that the component is given as. It extends
///   [`Interface`].
///
/// # Attributes of a field
/// Every field is injected. An `Arc<T>` is shared as it is; any other type is cloned out of its
/// `Arc`, and so are `Option<Arc<T>>`, `Vec<Arc<T>>` and [`Named<N, T>`](crate::needs::Named).
/// - `#[component(default)]`, `#[component(default = expression)]`: the field is not injected.
/// - `#[shaku(inject)]` says what holds anyway.
///
/// `#[shaku(..)]` and `#[component(..)]` mean the same. Shaku's parameters and providers have no
/// counterpart: configuration is injected as an `Arc` of its section, and what is made for each use
/// comes from a component that makes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a component",
    label = "not a component",
    note = "add `#[derive(purlin::Component)]` and `#[shaku(interface = Trait)]` to `{Self}`"
)]
pub trait Component: Interface {
    /// What the component is given as.
    type Interface: Interface + ?Sized;

    /// Adds what the fields need to `out`.
    fn needs(out: &mut Vec<Need>);
}

/// A set of components; declared with [`components!`].
///
/// # Lifecycle of a set
/// It is built at once, when everything that its components need has been given. Each interface is
/// given to the whole application, and so is the set itself. A component whose interface was
/// replaced is not constructed, and what only it needed is not needed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of components",
    note = "declare one: `components! {{ pub Orders {{ needs: [..], components: [..] }} }}`"
)]
pub trait ComponentSet: shaku::Module<Submodules = Wiring> + Sized {
    /// Lists the needs and the components.
    #[doc(hidden)]
    fn declare(set: &mut Declaration);

    /// Hands over what each component is given as.
    #[doc(hidden)]
    fn give(&self, out: &mut Outputs);

    /// Builds the set without an application: in a test, or in a program of another framework.
    fn builder() -> SetBuilder<Self> {
        SetBuilder::default()
    }

    /// What the set provides as `I`.
    ///
    /// # Panics
    /// When `I` is one of the `needs`, and was left out because all components that need it are
    /// replaced.
    fn get<I: Interface + ?Sized>(&self) -> Arc<I>
    where
        Self: Wires<I>,
    {
        Arc::clone(self.wired())
    }
}

/// A set provides `I`: it builds it, or needs it.
///
/// Everything that shaku asks of a set is implemented through this trait, so that an interface which
/// is missing, or is there twice, is one error, and one that can be read.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has nothing that provides `{I}`",
    label = "`{I}` is injected here, but `{Self}` neither builds nor needs it",
    note = "add the component that implements it to `components: [..]`, or `{I}` to `needs: [..]` when a module of the app provides it"
)]
pub trait Wires<I: ?Sized>: shaku::Module + Sized {
    /// Gets `I` for a set under construction: constructs it, or takes it.
    #[doc(hidden)]
    fn wire(cx: &mut ModuleBuildContext<Self>) -> Arc<I>;

    /// `I`, in a set that stands.
    #[doc(hidden)]
    fn wired(&self) -> &Arc<I>;
}
