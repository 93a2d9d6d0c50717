//! The methods of a path: axum's own, with a note of the method and the handler.

use std::{any::type_name, borrow::Cow, convert::Infallible, fmt, time::Duration};

use axum::{
    extract::Request,
    response::IntoResponse,
    routing::{self, MethodFilter, MethodRouter, Route},
};
use purlin::config::ByteSize;
use purlin_limit::Quota;
use tower::{Layer, Service};

use crate::openapi::{Described, Endpoint, Opaque};

/// The handlers of a path, one for each method.
///
/// ```
/// # use purlin_http::routes::{MethodRoute, get};
/// # async fn list() {}
/// # async fn create() {}
/// let route: MethodRoute = get(list).post(create);
/// ```
///
/// What refines a route applies to the methods before it which have not been refined so far:
/// after `get(list).requires("orders:read").post(create).requires("orders:write")` each method
/// requires its own permission, and after `get(list).post(create).requires("orders:write")` both
/// require the same.
pub struct MethodRoute<S = ()> {
    pub(super) entries: Vec<Entry<S>>,
}

/// What a route says of its rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteLimit {
    /// Its own quota.
    Quota(Quota),
    /// None at all.
    Off,
}

/// One method with its handler.
pub(super) struct Entry<S> {
    pub(super) method: &'static str,
    pub(super) handler: &'static str,
    pub(super) requires: Option<Cow<'static, str>>,
    pub(super) timeout: Option<Duration>,
    pub(super) body_limit: Option<ByteSize>,
    pub(super) rate_limit: Option<RouteLimit>,
    pub(super) described: Described,
    pub(super) router: MethodRouter<S>,
}

macro_rules! methods {
    ($($name:ident $method:literal $filter:ident,)+) => {
        $(
            #[doc = concat!("A route that answers ", $method, " with `handler`; `", stringify!($name), "` of axum.")]
            pub fn $name<H, T, S>(handler: H) -> MethodRoute<S>
            where
                H: Endpoint<T, S>,
                S: Clone + Send + Sync + 'static,
            {
                MethodRoute::none().$name(handler)
            }
        )+

        impl<S: Clone + Send + Sync + 'static> MethodRoute<S> {
            $(
                #[doc = concat!("Answers ", $method, " with `handler`, too.")]
                #[must_use]
                pub fn $name<H, T>(self, handler: H) -> Self
                where
                    H: Endpoint<T, S>,
                {
                    let (handler, described) = handler.into_parts();
                    let router = routing::on(MethodFilter::$filter, handler);
                    self.add::<H::Handler>($method, router, described)
                }
            )+
        }

        const FILTERS: &[(MethodFilter, &str)] = &[$((MethodFilter::$filter, $method)),+];
    };
}

methods! {
    get "GET" GET,
    post "POST" POST,
    put "PUT" PUT,
    patch "PATCH" PATCH,
    delete "DELETE" DELETE,
    head "HEAD" HEAD,
    options "OPTIONS" OPTIONS,
    trace "TRACE" TRACE,
    connect "CONNECT" CONNECT,
}

/// A route that answers the methods in `filter` with `handler`; `on` of axum.
pub fn on<H, T, S>(filter: MethodFilter, handler: H) -> MethodRoute<S>
where
    H: Endpoint<T, S>,
    S: Clone + Send + Sync + 'static,
{
    MethodRoute::none().on(filter, handler)
}

/// A route that answers every method with `handler`; `any` of axum.
pub fn any<H, T, S>(handler: H) -> MethodRoute<S>
where
    H: Endpoint<T, S>,
    S: Clone + Send + Sync + 'static,
{
    let (handler, described) = handler.into_parts();
    MethodRoute::none().add::<H::Handler>(ANY, routing::any(handler), described)
}

/// The method in the table of a route that answers all of them.
pub(super) const ANY: &str = "*";

// === impl MethodRoute ===

impl<S: Clone + Send + Sync + 'static> MethodRoute<S> {
    fn none() -> Self {
        Self { entries: Vec::new() }
    }

    /// Answers the methods in `filter` with `handler`, too.
    #[must_use]
    pub fn on<H, T>(self, filter: MethodFilter, handler: H) -> Self
    where
        H: Endpoint<T, S>,
    {
        FILTERS.iter().filter(|(method, _)| filter.or(*method) == filter).fold(
            self,
            |route, (method, name)| {
                let (handler, described) = handler.clone().into_parts();
                route.add::<H::Handler>(name, routing::on(*method, handler), described)
            },
        )
    }

    /// Requires a permission of the caller: `orders:write`. Only a secured route can.
    #[must_use]
    pub fn requires(mut self, permission: impl Into<Cow<'static, str>>) -> Self {
        let permission = permission.into();
        for entry in &mut self.entries {
            entry.requires.get_or_insert_with(|| permission.clone());
        }
        self
    }

    /// Sets how long a request may take, in place of `http.request_timeout`.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        for entry in &mut self.entries {
            entry.timeout.get_or_insert(timeout);
        }
        self
    }

    /// Sets how large a body may be, in place of `http.body_limit`.
    #[must_use]
    pub fn body_limit(mut self, limit: ByteSize) -> Self {
        for entry in &mut self.entries {
            entry.body_limit.get_or_insert(limit);
        }
        self
    }

    /// Gives each caller a quota for this route alone, in place of that of `http.rate_limit`, which
    /// need not be enabled. Each method has its own.
    /// ```
    /// use purlin_http::{limit::Quota, routes::{MethodRoute, post}};
    /// # async fn sign_in() {}
    ///
    /// let route: MethodRoute = post(sign_in).rate_limit(Quota::per_minute(5));
    /// ```
    #[must_use]
    pub fn rate_limit(self, quota: Quota) -> Self {
        self.limit(RouteLimit::Quota(quota))
    }

    /// Takes this route out of `http.rate_limit`.
    #[must_use]
    pub fn unlimited(self) -> Self {
        self.limit(RouteLimit::Off)
    }

    /// Wraps all methods so far in a tower layer, inside of the layers of this crate.
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
        self.entries = self.entries.into_iter().map(|entry| entry.layer(layer.clone())).collect();
        self
    }

    fn limit(mut self, limit: RouteLimit) -> Self {
        for entry in &mut self.entries {
            entry.rate_limit.get_or_insert(limit);
        }
        self
    }

    fn add<H>(
        mut self,
        method: &'static str,
        router: MethodRouter<S>,
        Opaque(described): Opaque,
    ) -> Self {
        self.entries.push(Entry {
            method,
            handler: type_name::<H>(),
            requires: None,
            timeout: None,
            body_limit: None,
            rate_limit: None,
            described,
            router,
        });
        self
    }
}

impl<S> fmt::Debug for MethodRoute<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.entries.iter().map(|entry| (entry.method, entry.handler)))
            .finish()
    }
}

// === impl Entry ===

impl<S: Clone + Send + Sync + 'static> Entry<S> {
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
        Self { router: self.router.layer(layer), ..self }
    }
}
