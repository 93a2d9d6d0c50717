//! Modules: the parts that an application is made of.

use std::{future::Future, marker::PhantomData};

use crate::{
    config::Config,
    error::Result,
    gives::Gives,
    init::Init,
    key::{Key, Name},
    needs::Needs,
    plan::Plan,
};

/// A part of an application: it is configured, takes what it needs, and gives what others need.
///
/// # Lifecycle of a module
/// 1. [`plan`](Self::plan), while the graph is checked. No I/O: it only adds what the types cannot
///    say, such as a table of routes that may clash.
/// 2. [`init`](Self::init), once everything it needs has been given, beside other modules that wait
///    for nothing of its own. It has 60 s (`lifecycle.start_timeout`); what it acquired is undone
///    when it fails, is cancelled or panics.
/// 3. What it registered with [`Init::run`] runs, and stops when the application does.
/// 4. What it registered with [`Init::undo`] is undone, in reverse.
///
/// # Examples
/// ```
/// # extern crate purlin_core as purlin;
/// # use std::sync::Arc;
/// use purlin::{config::NoConfig, error::Result, init::Init, module::Module, needs::Interface};
///
/// # trait Mailer: Interface {}
/// # struct Smtp;
/// # impl Mailer for Smtp {}
/// # impl Smtp {
/// #     async fn connect() -> Result<Self> { Ok(Self) }
/// #     async fn close(&self) {}
/// # }
/// struct MailModule;
///
/// impl Module for MailModule {
///     const NAME: &'static str = "mail";
///     type Config = NoConfig;
///     type Needs = ();
///     type Gives = Arc<dyn Mailer>;
///
///     async fn init(&self, _: NoConfig, _: (), cx: &mut Init) -> Result<Self::Gives> {
///         let smtp = Arc::new(Smtp::connect().await?);
///         cx.undo("close the SMTP connection", &smtp, |smtp| async move { smtp.close().await });
///         Ok(smtp)
///     }
/// }
/// ```
/// A module that only joins two others is shorter as a closure:
/// `.provide(|pg: Pg| async move { Ok(Arc::new(Repo::new(pg))) })`.
pub trait Module: Send + Sync + 'static {
    /// The name in the report, and of the section of the configuration.
    const NAME: &'static str;
    /// The section; [`NoConfig`](crate::config::NoConfig) where there is none.
    type Config: Config;
    /// What must have been given before this module starts.
    type Needs: Needs;
    /// What others may need.
    type Gives: Gives;

    /// Adds to the graph what the types cannot say. Called by every `build()`, before any I/O.
    fn plan(&self, _plan: &mut Plan) {}

    /// Starts the module.
    ///
    /// # Errors
    /// Any error ends the start: what was started is undone, and the error is shown with the name
    /// of the module. Say what was tried, where, and what to change.
    fn init(
        &self,
        config: Self::Config,
        needs: Self::Needs,
        cx: &mut Init,
    ) -> impl Future<Output = Result<Self::Gives>> + Send;

    /// Makes this module the instance `N`: it gives [`Named`](crate::needs::Named) things, and
    /// reads the section `name@instance`.
    fn named<N: Name>(self) -> NamedModule<N, Self>
    where
        Self: Sized,
    {
        NamedModule { module: self, name: PhantomData }
    }

    /// Gives this module the instance `N` wherever it needs a `T`.
    fn using<N: Name, T: ?Sized + 'static>(self) -> Using<Self>
    where
        Self: Sized,
    {
        Using { inner: self, redirects: vec![(Key::of::<T>(), Key::named::<N, T>())] }
    }
}

/// A module that is one of several instances; made by [`Module::named`].
#[derive(Debug)]
pub struct NamedModule<N, M> {
    pub(crate) module: M,
    name: PhantomData<fn() -> N>,
}

/// A module some of whose needs are met by named instances; made by [`Module::using`].
#[derive(Debug)]
pub struct Using<M> {
    pub(crate) inner: M,
    pub(crate) redirects: Vec<(Key, Key)>,
}

// === impl NamedModule ===

impl<N: Name, M: Module> NamedModule<N, M> {
    /// Gives this module the instance `I` wherever it needs a `T`.
    pub fn using<I: Name, T: ?Sized + 'static>(self) -> Using<Self> {
        Using { inner: self, redirects: vec![(Key::of::<T>(), Key::named::<I, T>())] }
    }
}

// === impl Using ===

impl<M> Using<M> {
    /// Gives this module the instance `N` wherever it needs a `T`, too.
    pub fn using<N: Name, T: ?Sized + 'static>(mut self) -> Self {
        self.redirects.push((Key::of::<T>(), Key::named::<N, T>()));
        self
    }
}
