//! Routes: what axum knows of them, and what it forgets: their posture, methods and handlers.

mod check;
mod foreign;
mod method;
mod row;
mod service;

use std::{convert::Infallible, fmt};

use axum::{Router, extract::Request, response::IntoResponse, routing::Route};
use tower::{Layer, Service};

pub(crate) use self::method::RouteLimit;
pub use self::{
    check::{InvalidRoutes, RouteProblem},
    foreign::IntoRouter,
    method::{MethodRoute, any, connect, delete, get, head, on, options, patch, post, put, trace},
    row::RouteRow,
};
use self::{foreign::Foreign, method::Entry};
use crate::openapi::{self, Documented};

/// The routes of a service, as data: each with its path, methods, handler and [`Posture`].
///
/// ```
/// use axum::extract::{Path, State};
/// use purlin_http::routes::{Routes, delete, get};
///
/// async fn show(State(greeting): State<&'static str>, Path(name): Path<String>) -> String {
///     format!("{greeting}, {name}")
/// }
/// async fn remove(Path(_): Path<String>) {}
///
/// let routes = Routes::<&'static str>::new()
///     .public("/people/{name}", get(show))
///     .secured("/people/{name}", delete(remove).requires("people:write"));
///
/// assert_eq!(routes.table().len(), 2);
/// assert!(routes.problems().is_empty());
/// ```
///
/// Paths, handlers, extractors, responses and layers are axum's own. `S` is the state of the
/// handlers and, in an [`HttpModule`](crate::HttpModule), what they need: `Arc<dyn OrderService>`,
/// or for several services a struct with `#[derive(Clone, FromRef, Needs)]`.
///
/// # What is checked before anything starts
/// A route is either public or secured: there is no way to leave that open. Two handlers of one
/// method and path, paths that cannot be told apart (`/a/{id}` and `/a/{name}`), paths that axum
/// would refuse with a panic, and a permission on a public route are [problems](Self::problems),
/// reported all at once.
///
/// # The table
/// `routes` of the command line prints it, and so does `Display`: a test that compares it with a
/// file notices when a route becomes public.
/// ```
/// # use purlin_http::routes::{Routes, get};
/// # async fn list() {}
/// let routes = Routes::<()>::new().public("/orders", get(list));
/// assert!(routes.to_string().starts_with(
///     "METHOD  PATH     POSTURE  REQUIRES  HANDLER\n\
///      GET     /orders  public   -         "
/// ));
/// ```
pub struct Routes<S = ()> {
    rows: Vec<Row<S>>,
    foreign: Vec<Foreign<S>>,
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Posture {
    /// Everybody.
    Public,
    /// Whoever the [`Authenticator`](crate::auth::Authenticator) knows, with the permission that
    /// the route requires.
    Secured,
}

/// One method of one path.
struct Row<S> {
    path: String,
    posture: Posture,
    entry: Entry<S>,
}

// === impl Routes ===

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet.
    pub fn new() -> Self {
        Self { rows: Vec::new(), foreign: Vec::new() }
    }

    /// Adds a route that everybody may call.
    #[must_use]
    pub fn public(self, path: &str, route: MethodRoute<S>) -> Self {
        self.route(path, Posture::Public, route)
    }

    /// Adds a route that needs a caller whom the [`Authenticator`](crate::auth::Authenticator)
    /// knows, and the permission in [`MethodRoute::requires`] if there is one.
    ///
    /// Others get 401 or 403. An application without an authenticator does not build.
    #[must_use]
    pub fn secured(self, path: &str, route: MethodRoute<S>) -> Self {
        self.route(path, Posture::Secured, route)
    }

    /// Takes over a whole axum router, as one row of the table with one posture.
    ///
    /// `router` is a `fn() -> Router<S>` or a `Fn(S) -> Router`:
    /// ```
    /// use std::sync::Arc;
    /// use axum::{Router, extract::State, routing::get};
    /// use purlin_http::routes::{Posture, Routes};
    ///
    /// # struct Pool;
    /// fn router(pool: Arc<Pool>) -> Router {
    ///     Router::new().route("/", get(async |State(_): State<Arc<Pool>>| "hello")).with_state(pool)
    /// }
    ///
    /// let routes = Routes::from_axum(Posture::Public, |pool: Arc<Pool>| router(pool));
    /// ```
    /// Its paths stay unknown to the table. A request goes to it when no path of the table matches,
    /// so that routes can move from the router to the table one path at a time. Its fallback is
    /// part of it: with [`Posture::Secured`] the fallback is secured, too.
    pub fn from_axum<M>(posture: Posture, router: impl IntoRouter<S, M>) -> Self {
        Self { rows: Vec::new(), foreign: vec![Foreign::new(posture, router)] }
    }

    /// Adds other routes below a prefix.
    ///
    /// A path of the table is the prefix and its own path, and that is what its handler sees. An
    /// axum router is nested as axum does it: its handlers see the path without the prefix.
    #[must_use]
    pub fn nest(mut self, prefix: &str, other: Self) -> Self {
        self.rows
            .extend(other.rows.into_iter().map(|row| Row { path: join(prefix, &row.path), ..row }));
        self.foreign.extend(other.foreign.into_iter().map(|foreign| foreign.below(prefix)));
        self
    }

    /// Adds other routes.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.rows.extend(other.rows);
        self.foreign.extend(other.foreign);
        self
    }

    /// Wraps all routes added so far in a tower layer.
    ///
    /// It runs inside of the layers of this crate and, on a secured route, only for callers who
    /// were let in.
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
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
        self.rows = self
            .rows
            .into_iter()
            .map(|row| Row { entry: row.entry.layer(layer.clone()), ..row })
            .collect();
        self.foreign = self.foreign.into_iter().map(|it| it.layer(layer.clone())).collect();
        self
    }

    /// The table of routes, in the order in which they were added.
    pub fn table(&self) -> Vec<RouteRow> {
        let rows = self.rows.iter().map(Row::describe);
        rows.chain(self.foreign.iter().map(Foreign::describe)).collect()
    }

    /// What these routes offer, as OpenAPI 3.1; see [`crate::openapi`].
    pub fn openapi(&self, title: &str, version: &str) -> serde_json::Value {
        let routes = self.rows.iter().map(|row| Documented {
            row: row.describe(),
            described: &row.entry.described,
            is_limited: matches!(row.entry.rate_limit, Some(RouteLimit::Quota(_))),
        });
        openapi::document(&routes.collect::<Vec<_>>(), title, version)
    }

    /// Everything that keeps these routes from being served.
    pub fn problems(&self) -> Vec<RouteProblem> {
        check::problems(&self.rows, &self.foreign)
    }

    /// Makes the service; see [`service`](crate::service()).
    pub(crate) fn into_router(
        self,
        state: S,
        options: &crate::Options,
    ) -> Result<Router, InvalidRoutes> {
        service::build(self, state, options)
    }

    fn route(mut self, path: &str, posture: Posture, route: MethodRoute<S>) -> Self {
        let rows = route.entries.into_iter();
        self.rows.extend(rows.map(|entry| Row { path: path.to_owned(), posture, entry }));
        self
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Clone + Send + Sync + 'static> fmt::Display for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row::write(&self.table(), f)
    }
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows.iter().map(Row::describe);
        f.debug_list().entries(rows).entries(self.foreign.iter().map(Foreign::describe)).finish()
    }
}

/// A prefix and a path below it, joined as axum does for nested routers. A path without its slash is
/// left alone: it is reported, and a prefix would hide that.
fn join(prefix: &str, path: &str) -> String {
    match path {
        "/" if !prefix.is_empty() => prefix.to_owned(),
        _ if path.starts_with('/') => format!("{}{path}", prefix.trim_end_matches('/')),
        _ => path.to_owned(),
    }
}

// === impl Posture ===

impl Posture {
    /// The name in the table: `public` or `secured`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Secured => "secured",
        }
    }
}

// === impl Row ===

impl<S> Row<S> {
    fn describe(&self) -> RouteRow {
        RouteRow {
            method: self.entry.method,
            path: self.path.clone(),
            posture: self.posture,
            requires: self.entry.requires.as_deref().map(str::to_owned),
            handler: self.entry.handler.to_owned(),
        }
    }
}
