//! From the table to the service that answers.

use axum::{Router, routing::MethodRouter};

use super::{InvalidRoutes, Posture, Routes, Row, foreign::Foreign, method::ANY};
use crate::{
    Options,
    layers::{Guard, Label, Layers, Overrides},
    openapi,
};

/// The label of requests for which there is no route.
const UNMATCHED: &str = "<unmatched>";

/// Builds the routes of the table, each wrapped in the layers, and the axum routers behind them.
pub(super) fn build<S>(
    routes: Routes<S>,
    state: S,
    options: &Options,
) -> Result<Router, InvalidRoutes>
where
    S: Clone + Send + Sync + 'static,
{
    let problems = routes.problems();
    if !problems.is_empty() {
        return Err(InvalidRoutes(problems));
    }

    let layers = Layers::new(options).map_err(|problem| InvalidRoutes(vec![problem]))?;
    let mut is_empty = routes.rows.is_empty();
    let pages =
        options.openapi.as_ref().map(|it| openapi::pages(&routes.openapi(&it.name, &it.version)));
    let taken: Vec<_> = routes.rows.iter().map(|row| row.path.clone()).collect();
    let mut router = Router::new();
    if layers.are_on() {
        router = router.layer(layers.stack(Label::Path(UNMATCHED.into()), Overrides::default()));
    }
    for row in routes.rows {
        let path = row.path.clone();
        router = router.route(&path, row_service(row, state.clone(), options, &layers));
    }
    // A route of the service's own goes before.
    for (path, page) in pages.into_iter().flatten().filter(|(path, _)| !clashes(&taken, path)) {
        is_empty = false;
        let page = match layers.are_on() {
            true => page.layer(layers.stack(Label::Path(path.into()), Overrides::default())),
            false => page,
        };
        router = router.route(path, page);
    }
    Ok(match behind(routes.foreign, state, options, &layers) {
        None => router,
        Some(behind) if is_empty => behind,
        Some(behind) => router.fallback_service(behind),
    })
}

/// Whether axum would refuse to serve `path` beside the others.
fn clashes(taken: &[String], path: &str) -> bool {
    let mut matcher = matchit::Router::new();
    for taken in taken {
        // A path with several methods is there several times.
        let _ = matcher.insert(taken.as_str(), ());
    }
    matcher.insert(path, ()).is_err()
}

/// One method of a path. The guard is the innermost of our layers and outside of the user's.
fn row_service<S>(row: Row<S>, state: S, options: &Options, layers: &Layers) -> MethodRouter
where
    S: Clone + Send + Sync + 'static,
{
    let Row { path, posture, entry } = row;
    let overrides = Overrides {
        timeout: entry.timeout,
        body_limit: entry.body_limit,
        rate_limit: entry.rate_limit.map(|limit| (entry.method, limit)),
    };
    let label = Label::Path(path.into());
    let mut router = entry.router.with_state::<()>(state);
    if let Some(inner) = layers.inner(&label, &overrides) {
        router = router.layer(inner);
    }
    if posture == Posture::Secured {
        let guard = Guard::new(options, entry.requires);
        router = match entry.method {
            // Its handler is what axum calls a fallback, which `route_layer` leaves alone.
            ANY => router.layer(guard),
            // The answer 405 to other methods is the same for everybody.
            _ => router.route_layer(guard),
        };
    }
    if layers.are_on() {
        router = router.layer(layers.stack(label, overrides));
    }
    router
}

/// The axum routers, the nested ones before the one at the root.
fn behind<S: 'static + Clone>(
    foreign: Vec<Foreign<S>>,
    state: S,
    options: &Options,
    layers: &Layers,
) -> Option<Router> {
    let layered = |router: Router| match layers.are_on() {
        true => router.layer(layers.stack(Label::Matched(UNMATCHED.into()), Overrides::default())),
        false => router,
    };
    let mut root = None;
    let mut nested: Option<Router> = None;
    for foreign in foreign {
        let (posture, prefix) = (foreign.posture, foreign.prefix.clone());
        let label = Label::Matched(UNMATCHED.into());
        let mut router = foreign.make(state.clone());
        if let Some(inner) = layers.inner(&label, &Overrides::default()) {
            router = router.layer(inner);
        }
        if posture == Posture::Secured {
            router = router.layer(Guard::new(options, None));
        }
        if matches!(prefix.as_str(), "" | "/") {
            root = Some(layered(router));
        } else {
            nested = Some(nested.unwrap_or_default().nest(&prefix, router));
        }
    }
    match (nested.map(layered), root) {
        (Some(nested), Some(root)) => Some(nested.fallback_service(root)),
        (nested, root) => nested.or(root),
    }
}
