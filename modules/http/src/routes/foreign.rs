//! Whole axum routers, taken over as they are.

use std::{any::type_name, convert::Infallible};

use axum::{Router, extract::Request, response::IntoResponse, routing::Route};
use tower::{Layer, Service};

use super::{Posture, RouteRow, join, method::ANY};

/// What makes an axum router: a `fn() -> Router<S>`, or a `Fn(S) -> Router`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` makes no axum router for the state `{S}`",
    note = "pass a function without arguments that returns `Router<{S}>`, or one that takes `{S}` and returns `Router`"
)]
pub trait IntoRouter<S, M>: Send + 'static {
    /// Makes the router.
    fn into_router(self, state: S) -> Router;
}

/// Tells a router that has no state yet from one that was made with it.
#[derive(Debug)]
pub struct WithoutState;

/// Tells a router that was made with its state from one that has none yet.
#[derive(Debug)]
pub struct WithState;

/// An axum router in the table.
pub(super) struct Foreign<S> {
    pub(super) prefix: String,
    pub(super) posture: Posture,
    name: &'static str,
    make: Box<dyn FnOnce(S) -> Router + Send>,
}

// === impl IntoRouter ===

impl<S, F> IntoRouter<S, WithoutState> for F
where
    F: FnOnce() -> Router<S> + Send + 'static,
    S: Clone + Send + Sync + 'static,
{
    fn into_router(self, state: S) -> Router {
        self().with_state(state)
    }
}

impl<S, F: FnOnce(S) -> Router + Send + 'static> IntoRouter<S, WithState> for F {
    fn into_router(self, state: S) -> Router {
        self(state)
    }
}

// === impl Foreign ===

impl<S: 'static> Foreign<S> {
    pub(super) fn new<M, R: IntoRouter<S, M>>(posture: Posture, router: R) -> Self {
        let make = Box::new(|state| router.into_router(state));
        Self { prefix: String::new(), posture, name: type_name::<R>(), make }
    }

    pub(super) fn below(self, prefix: &str) -> Self {
        let prefix =
            if self.prefix.is_empty() { prefix.to_owned() } else { join(prefix, &self.prefix) };
        Self { prefix, ..self }
    }

    pub(super) fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<
                Request,
                Error: Into<Infallible> + 'static,
                Response: IntoResponse + 'static,
                Future: Send + 'static,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        let make = self.make;
        Self { make: Box::new(move |state| make(state).layer(layer)), ..self }
    }

    pub(super) fn make(self, state: S) -> Router {
        (self.make)(state)
    }
}

impl<S> Foreign<S> {
    pub(super) fn describe(&self) -> RouteRow {
        RouteRow {
            method: ANY,
            path: format!("{}/…", self.prefix.trim_end_matches('/')),
            posture: self.posture,
            requires: None,
            handler: self.name.to_owned(),
        }
    }
}
