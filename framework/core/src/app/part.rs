use std::{any::type_name, future::Future, panic::Location, sync::Arc};

use super::section;
use crate::{
    component::{self, ComponentSet},
    config::{Config, Live, Section},
    error::Result,
    gives::{Gift, Gives},
    graph::{Kind, Node},
    init::Init,
    key::{Instance, Key, Name, short, snake_case},
    lifecycle::Starting,
    module::{Module, NamedModule, Using},
    needs::{Need, Needs},
    registry::{Outputs, Registry, Resolver},
    runnable::Run,
};

/// One node of the graph, and what starts it.
pub(crate) struct Part {
    pub(crate) node: Node,
    pub(crate) start: Option<Start>,
    /// The nodes inside of a component set.
    pub(crate) inside: Vec<Node>,
}

/// Takes what a node needs, all of which is in the registry now; the future starts the node. The
/// application's code runs in the future alone: nobody holds the registry then.
pub(crate) type Start = Box<dyn FnOnce(&Registry, Init, section::Source) -> Starting + Send>;

/// Something that [`AppBuilder::module`](super::AppBuilder::module) takes: a module, or a module
/// that was [named](Module::named) or [redirected](Module::using).
pub trait IntoPart: private::Sealed {
    #[doc(hidden)]
    fn into_part(self, place: &'static Location<'static>) -> PartOf;
}

/// What an [`IntoPart`] becomes.
#[doc(hidden)]
pub struct PartOf(pub(crate) Part);

mod private {
    pub trait Sealed {}
}

/// A closure that is a module: it takes its needs as arguments, and gives what it returns.
///
/// Implemented for closures of up to eight needs that return a future of `Result<impl Gives>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no provider",
    note = "a provider is a function of up to eight needs that returns a future of `Result<G>`, where `G` can be given"
)]
pub trait Provider<Args>: Send + Sync + 'static {
    /// The needs of the closure.
    type Needs: Needs;
    /// What it gives.
    type Gives: Gives;

    /// Calls the closure.
    fn provide(self, needs: Self::Needs) -> impl Future<Output = Result<Self::Gives>> + Send;
}

// === impl Part ===

impl Part {
    pub(crate) fn inert(node: Node) -> Self {
        Self { node, start: None, inside: Vec::new() }
    }

    /// A value that is there from the beginning.
    pub(crate) fn value<T: ?Sized + 'static>(
        kind: Kind,
        place: &'static Location<'static>,
    ) -> Self {
        let key = Key::of::<T>();
        let mut node = Node::new(kind, key.to_string(), place);
        node.gives.push(Gift { key, group: false });
        Self::inert(node)
    }

    pub(crate) fn section<C: Config>(place: &'static Location<'static>) -> Self {
        let section = Section::of::<C>("", None);
        let mut node = Node::new(Kind::Section, section.key(), place);
        node.gives = Gift::of::<(Arc<C>, Live<C>)>();
        node.section = Some(section);
        let start: Start = Box::new(|_, cx, source| {
            Box::pin(async move {
                let live = Live::new(source.read::<C>().await?);
                let mut outputs = Outputs::default();
                (live.get(), live).put(&mut outputs);
                Ok((cx, outputs))
            })
        });
        Self { node, start: Some(start), inside: Vec::new() }
    }

    fn module<M: Module>(
        module: M,
        instance: Option<Instance>,
        place: &'static Location<'static>,
    ) -> Self {
        let name = match instance {
            Some(instance) => format!("{}@{}", M::NAME, instance.name),
            None => M::NAME.to_owned(),
        };
        let mut node = Node::new(Kind::Module, name, place);
        node.needs = Need::of::<M::Needs>();
        node.gives = Gift::of::<M::Gives>();
        node.gives.iter_mut().for_each(|gift| gift.key = gift.key.at(instance));
        node.section =
            Some(Section::of::<M::Config>(M::NAME, instance.map(|instance| instance.name)));
        module.plan(&mut node.plan);
        let start: Start = Box::new(move |registry, mut cx, source| {
            let needs = M::Needs::take(&registry.resolver(source.redirects()));
            Box::pin(async move {
                let config = source.read::<M::Config>().await?;
                let given = module.init(config, needs?, &mut cx).await?;
                let mut outputs = Outputs::at(instance);
                given.put(&mut outputs);
                Ok((cx, outputs))
            })
        });
        Self { node, start: Some(start), inside: Vec::new() }
    }

    pub(crate) fn set<C: ComponentSet>(place: &'static Location<'static>) -> Self {
        let mut node = Node::new(Kind::Set, snake_case(&component::set_name::<C>()), place);
        node.gives.push(Gift { key: Key::of::<C>(), group: false });
        component::plan::<C>(&mut node.plan);
        let components = component::nodes::<C>();
        let count = components.len();
        let inside = components.into_iter().map(|component| {
            let mut node = Node::new(Kind::Component, component.name, place);
            node.gives.push(Gift { key: component.gives, group: false });
            node.needs = component.needs;
            node
        });
        let start: Start = Box::new(move |registry, mut cx, source| {
            let wiring = component::wire::<C>(&registry.resolver(source.redirects()));
            cx.detail(if count == 1 {
                "1 component".to_owned()
            } else {
                format!("{count} components")
            });
            Box::pin(async move { Ok((cx, component::assemble::<C>(wiring?)?)) })
        });
        Self { node, start: Some(start), inside: inside.collect() }
    }

    pub(crate) fn provider<Args, P: Provider<Args>>(
        provider: P,
        place: &'static Location<'static>,
    ) -> Self {
        let gives = Gift::of::<P::Gives>();
        let name =
            gives.first().map_or_else(|| short(type_name::<P>()), |gift| gift.key.to_string());
        let mut node = Node::new(Kind::Module, name, place);
        node.needs = Need::of::<P::Needs>();
        node.gives = gives;
        let start: Start = Box::new(move |registry, cx, source| {
            let needs = P::Needs::take(&registry.resolver(source.redirects()));
            Box::pin(async move {
                let given = provider.provide(needs?).await?;
                let mut outputs = Outputs::default();
                given.put(&mut outputs);
                Ok((cx, outputs))
            })
        });
        Self { node, start: Some(start), inside: Vec::new() }
    }

    pub(crate) fn runnable(run: Run, place: &'static Location<'static>) -> Self {
        let Run { needs, bind, mut spec } = run;
        let mut node = Node::new(Kind::Runnable, spec.name.clone(), place);
        node.needs = needs;
        let start: Start = Box::new(move |registry: &Registry, mut cx, source| {
            let resolver: Resolver<'_> = registry.resolver(source.redirects());
            let bound = bind(&resolver);
            Box::pin(async move {
                spec.make = bound?;
                cx.runs.push(spec);
                Ok((cx, Outputs::default()))
            })
        });
        Self { node, start: Some(start), inside: Vec::new() }
    }

    /// Redirects needs to named instances, in the graph; [`section::Source`] does it at start.
    pub(crate) fn redirect(&mut self, redirects: &[(Key, Key)]) {
        let nodes = std::iter::once(&mut self.node).chain(&mut self.inside);
        for need in nodes.flat_map(|node| &mut node.needs) {
            if let Some((_, to)) = redirects.iter().find(|(from, _)| *from == need.key) {
                need.key = *to;
            }
        }
        self.node.redirects.extend_from_slice(redirects);
    }
}

// === impl IntoPart ===

impl<M: Module> private::Sealed for M {}

impl<M: Module> IntoPart for M {
    fn into_part(self, place: &'static Location<'static>) -> PartOf {
        PartOf(Part::module(self, None, place))
    }
}

impl<N: Name, M: Module> private::Sealed for NamedModule<N, M> {}

impl<N: Name, M: Module> IntoPart for NamedModule<N, M> {
    fn into_part(self, place: &'static Location<'static>) -> PartOf {
        PartOf(Part::module(self.module, Some(Instance::of::<N>()), place))
    }
}

impl<P: IntoPart> private::Sealed for Using<P> {}

impl<P: IntoPart> IntoPart for Using<P> {
    fn into_part(self, place: &'static Location<'static>) -> PartOf {
        let PartOf(mut part) = self.inner.into_part(place);
        part.redirect(&self.redirects);
        PartOf(part)
    }
}

// === impl Provider ===

macro_rules! providers {
    ($($name:ident)*) => {
        #[expect(non_snake_case, reason = "a macro has no other names for the arguments")]
        impl<Func, Fut, Out, $($name),*> Provider<($($name,)*)> for Func
        where
            Func: FnOnce($($name),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<Out>> + Send,
            Out: Gives,
            ($($name,)*): Needs,
        {
            type Needs = ($($name,)*);
            type Gives = Out;

            async fn provide(self, needs: Self::Needs) -> Result<Out> {
                let ($($name,)*) = needs;
                self($($name),*).await
            }
        }
    };
}

impl<Func, Fut, Out> Provider<()> for Func
where
    Func: FnOnce() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Out>> + Send,
    Out: Gives,
{
    type Needs = ();
    type Gives = Out;

    async fn provide(self, (): ()) -> Result<Out> {
        self().await
    }
}

providers!(A);
providers!(A B);
providers!(A B C);
providers!(A B C D);
providers!(A B C D E);
providers!(A B C D E F);
providers!(A B C D E F G);
providers!(A B C D E F G H);
