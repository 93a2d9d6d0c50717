//! Pages of other origins.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{extract::Request, response::Response};
use futures_util::future::Either;
use http::{
    HeaderName, HeaderValue, Method,
    header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN},
};
use tower::{Layer, Service};
use tower_http::cors::{self, AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

use crate::{
    config::{AllowedOrigin, CorsConfig, is_wild},
    routes::RouteProblem,
};

/// Tells browsers which pages may call, and answers their questions beforehand.
#[derive(Clone)]
pub(super) struct Cors {
    layer: Option<Arc<CorsLayer>>,
}

#[derive(Clone)]
pub(super) struct WithCors<S> {
    inner: S,
    layer: Option<Arc<CorsLayer>>,
}

// === impl Cors ===

impl Cors {
    /// The layer, or what keeps it from being one.
    pub(super) fn new(config: &CorsConfig) -> Result<Self, RouteProblem> {
        if config.origins.is_empty() {
            return Ok(Self { layer: None });
        }
        let any = config.origins.iter().any(AllowedOrigin::is_any);
        let origin = if any {
            AllowOrigin::any()
        } else {
            let origins = config.origins.clone();
            AllowOrigin::predicate(move |origin, _| allows(&origins, origin))
        };
        config.check().map_err(|conflict| RouteProblem {
            what: conflict.what("http.cors"),
            fix: conflict.fix().to_owned(),
        })?;
        let layer = CorsLayer::new()
            .allow_origin(origin)
            .allow_methods(match is_wild(&config.methods) {
                true => AllowMethods::any(),
                false => AllowMethods::list(names::<Method>("methods", &config.methods)?),
            })
            .allow_headers(match is_wild(&config.headers) {
                true => AllowHeaders::any(),
                false => AllowHeaders::list(names::<HeaderName>("headers", &config.headers)?),
            })
            .expose_headers(match is_wild(&config.expose) {
                true => ExposeHeaders::any(),
                false => ExposeHeaders::list(names::<HeaderName>("expose", &config.expose)?),
            })
            .max_age(config.max_age)
            .allow_credentials(config.credentials);
        Ok(Self { layer: Some(Arc::new(layer)) })
    }
}

pub(super) fn allows(origins: &[AllowedOrigin], origin: &HeaderValue) -> bool {
    origin.to_str().is_ok_and(|origin| origins.iter().any(|allowed| allowed.allows(origin)))
}

fn names<T: std::str::FromStr>(key: &str, names: &[String]) -> Result<Vec<T>, RouteProblem> {
    let parse = |name: &String| {
        name.parse().map_err(|_| RouteProblem {
            what: format!("`http.cors.{key}` has `{name}`, which cannot be one of them"),
            fix: "write the names without commas and spaces".to_owned(),
        })
    };
    names.iter().map(parse).collect()
}

impl<S> Layer<S> for Cors {
    type Service = WithCors<S>;

    fn layer(&self, inner: S) -> WithCors<S> {
        WithCors { inner, layer: self.layer.clone() }
    }
}

// === impl WithCors ===

impl<S> Service<Request> for WithCors<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Pin<Box<cors::ResponseFuture<S::Future>>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // A route of its own may answer OPTIONS to whoever is not a browser that asks beforehand.
        let headers = request.headers();
        let asks =
            headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        match &self.layer {
            Some(layer) if asks || request.method() != Method::OPTIONS => {
                // The service that was polled is the one that is ready.
                let next = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, next);
                Either::Right(Box::pin(layer.layer(inner).call(request)))
            }
            _ => Either::Left(self.inner.call(request)),
        }
    }
}
