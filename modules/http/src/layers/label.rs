//! The names under which requests are counted and logged: never what the caller chose.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use http::Method;

/// How the route of a request is found.
#[derive(Clone)]
pub(crate) enum Label {
    /// It is known: the request came to a route of the table.
    Path(Arc<str>),
    /// Axum knows it: the request came to an axum router. The label if no route of it matched.
    Matched(Arc<str>),
}

// === impl Label ===

impl Label {
    /// The path of the table, or what stands for the paths of a router.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Path(path) | Self::Matched(path) => path,
        }
    }

    /// The template of the route: `/orders/{id}`.
    pub(super) fn of(&self, request: &Request) -> Arc<str> {
        match self.matched(request) {
            Ok(path) => path.into(),
            Err(path) => path.clone(),
        }
    }

    /// The same, for a moment.
    pub(super) fn text<'a>(&'a self, request: &'a Request) -> &'a str {
        self.matched(request).unwrap_or_else(|path| path)
    }

    fn matched<'a>(&'a self, request: &'a Request) -> Result<&'a str, &'a Arc<str>> {
        match self {
            Self::Path(path) => Err(path),
            Self::Matched(unmatched) => {
                let path = request.extensions().get::<MatchedPath>();
                path.map(MatchedPath::as_str).ok_or(unmatched)
            }
        }
    }
}

/// Stands for the methods that are none of HTTP's own.
pub(super) const OTHER: &str = "_OTHER";

/// The name of a method, or [`OTHER`]: callers may send any.
pub(super) fn method(method: &Method) -> &'static str {
    const KNOWN: [(&Method, &str); 9] = [
        (&Method::GET, "GET"),
        (&Method::POST, "POST"),
        (&Method::PUT, "PUT"),
        (&Method::DELETE, "DELETE"),
        (&Method::PATCH, "PATCH"),
        (&Method::HEAD, "HEAD"),
        (&Method::OPTIONS, "OPTIONS"),
        (&Method::CONNECT, "CONNECT"),
        (&Method::TRACE, "TRACE"),
    ];
    KNOWN.iter().find(|(known, _)| *known == method).map_or(OTHER, |(_, name)| name)
}
