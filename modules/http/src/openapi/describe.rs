use std::{any::type_name, fmt, future::Future, marker::PhantomData};

use axum::handler::Handler;

use super::{Input, Operation, Output};

/// A handler that describes itself; made by [`api`].
pub struct Api<H, T> {
    handler: H,
    described: Described,
    extractors: PhantomData<fn(T)>,
}

/// What a route of the table knows of its operation.
#[derive(Clone, Default)]
pub(crate) struct Described {
    pub(crate) describe: Option<fn(&mut Operation<'_>)>,
    pub(crate) summary: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) deprecated: bool,
}

/// What answers a route: a handler of axum, or one in [`api`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler for the state `{S}`",
    note = "a handler is an `async fn` whose arguments are extractors, the one that takes the body last, and which returns a response; `#[axum::debug_handler]` on it says what is wrong"
)]
pub trait Endpoint<M, S>: Clone + Send + Sync + 'static {
    /// The handler of axum.
    type Handler: Handler<Self::Extractors, S>;
    /// What tells its signature.
    type Extractors: 'static;

    /// The handler, and what it says of itself.
    #[doc(hidden)]
    fn into_parts(self) -> (Self::Handler, Opaque);
}

/// Tells a handler that was passed as it is from one in [`api`].
#[derive(Debug)]
pub struct Plain<T>(PhantomData<T>);

/// Tells a handler in [`api`] from one that was passed as it is.
#[derive(Debug)]
pub struct InApi<T>(PhantomData<T>);

/// Hides what only the table looks at.
#[doc(hidden)]
pub struct Opaque(pub(crate) Described);

/// A handler whose extractors and response say what they are.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot describe itself",
    label = "an extractor of it is no `Input`, or its response is no `Output`",
    note = "the types in `Json`, `Query`, `Path` and `Created` derive `schemars::JsonSchema`, errors derive `purlin::ServiceError`",
    note = "implement `purlin::http::openapi::Input` or `Output` for types of your own",
    note = "a handler of which nothing can be known is passed without `api(..)`"
)]
pub trait Describe<T> {
    /// Describes the operation.
    fn describe(operation: &mut Operation<'_>);
}

/// Puts into the documentation what a handler takes and returns; see [`openapi`](super).
///
/// The handler itself stays as it is.
pub fn api<H: Describe<T>, T>(handler: H) -> Api<H, T> {
    let described = Described { describe: Some(H::describe), ..Described::default() };
    Api { handler, described, extractors: PhantomData }
}

// === impl Api ===

impl<H, T> Api<H, T> {
    /// Sets what the operation does, in a few words.
    #[must_use]
    pub fn summary(mut self, summary: impl Into<String>) -> Self {
        self.described.summary = Some(summary.into());
        self
    }

    /// Sets what else is to be said of it, in CommonMark.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.described.description = Some(description.into());
        self
    }

    /// Sets its identifier, in place of the name of the function.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.described.id = Some(id.into());
        self
    }

    /// Sets under what it is listed, in place of the first segment of its path.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.described.tag = Some(tag.into());
        self
    }

    /// Says that nobody should begin to use it.
    #[must_use]
    pub fn deprecated(mut self) -> Self {
        self.described.deprecated = true;
        self
    }
}

impl<H: Clone, T> Clone for Api<H, T> {
    fn clone(&self) -> Self {
        let Self { handler, described, extractors } = self;
        Self { handler: handler.clone(), described: described.clone(), extractors: *extractors }
    }
}

impl<H, T> fmt::Debug for Api<H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Api").field(&type_name::<H>()).finish()
    }
}

// === impl Endpoint ===

impl<H, T, S> Endpoint<Plain<T>, S> for H
where
    H: Handler<T, S>,
    T: 'static,
{
    type Handler = H;
    type Extractors = T;

    fn into_parts(self) -> (H, Opaque) {
        (self, Opaque(Described::default()))
    }
}

impl<H, T, S> Endpoint<InApi<T>, S> for Api<H, T>
where
    H: Handler<T, S>,
    T: 'static,
{
    type Handler = H;
    type Extractors = T;

    fn into_parts(self) -> (H, Opaque) {
        (self.handler, Opaque(self.described))
    }
}

// === impl Describe ===

impl<F, Fut, R> Describe<((),)> for F
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = R>,
    R: Output,
{
    fn describe(operation: &mut Operation<'_>) {
        R::describe(operation);
    }
}

macro_rules! describe {
    ($($extractor:ident)+) => {
        impl<F, Fut, R, M, $($extractor),+> Describe<(M, $($extractor),+,)> for F
        where
            F: FnOnce($($extractor),+) -> Fut,
            Fut: Future<Output = R>,
            R: Output,
            $($extractor: Input,)+
        {
            fn describe(operation: &mut Operation<'_>) {
                $($extractor::describe(operation);)+
                R::describe(operation);
            }
        }
    };
}

describe!(A);
describe!(A B);
describe!(A B C);
describe!(A B C D);
describe!(A B C D E);
describe!(A B C D E G);
describe!(A B C D E G H);
describe!(A B C D E G H I);
describe!(A B C D E G H I J);
describe!(A B C D E G H I J K);
describe!(A B C D E G H I J K L);
describe!(A B C D E G H I J K L N);
