//! What stands before a secured route.

use std::{
    borrow::Cow,
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header::WWW_AUTHENTICATE};
use purlin::error::Code;
use tower::{Layer, Service};

use crate::{
    auth::{AuthError, Authenticator, Principal},
    problem::{Problem, chain},
};

/// Lets those in whom the authenticator knows, and who have the permission.
///
/// It fails closed: without an authenticator, which an application cannot be built without, nobody
/// gets in.
#[derive(Clone)]
pub(crate) struct Guard {
    authenticator: Option<Arc<dyn Authenticator>>,
    permission: Option<Cow<'static, str>>,
}

#[derive(Clone)]
pub(crate) struct Guarded<S> {
    inner: S,
    guard: Guard,
}

// === impl Guard ===

impl Guard {
    pub(crate) fn new(
        authenticator: Option<Arc<dyn Authenticator>>,
        permission: Option<Cow<'static, str>>,
    ) -> Self {
        Self { authenticator, permission }
    }

    async fn admit(&self, request: Request) -> Result<Request, Response> {
        let Some(authenticator) = &self.authenticator else {
            tracing::error!("a secured route is served without an authenticator");
            return Err(Problem::internal().into_response());
        };
        let (mut parts, body) = request.into_parts();
        let principal = authenticator.authenticate(&parts).await;
        let principal = principal.map_err(|error| refused(&error, authenticator.scheme()))?;
        match &self.permission {
            Some(permission) if !principal.has(permission) => {
                return Err(forbidden(&principal, permission, authenticator.scheme()));
            }
            _ => {}
        }
        parts.extensions.insert(principal);
        Ok(Request::from_parts(parts, body))
    }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, guard: self.clone() }
    }
}

// === impl Guarded ===

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The service that was polled is the one that is ready.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let guard = self.guard.clone();
        Box::pin(async move {
            match guard.admit(request).await {
                Ok(request) => inner.call(request).await,
                Err(response) => Ok(response),
            }
        })
    }
}

fn refused(error: &AuthError, scheme: &str) -> Response {
    match error {
        AuthError::Missing => {
            let problem = Problem::from_code(Code::Unauthenticated).detail(error.to_string());
            challenge(problem, scheme)
        }
        AuthError::Invalid(reason) => {
            tracing::debug!(reason, "{error}");
            let problem = Problem::from_code(Code::Unauthenticated).detail(error.to_string());
            challenge(problem, &format!("{scheme} error=\"invalid_token\""))
        }
        AuthError::Unavailable(cause) => {
            tracing::error!(error = chain(cause.as_ref()), "{error}");
            Problem::from_code(Code::Unavailable).detail(error.to_string()).into_response()
        }
        // What a later version of the trait adds is refused, not let in.
        _ => challenge(Problem::from_code(Code::Unauthenticated).detail(error.to_string()), scheme),
    }
}

fn forbidden(principal: &Principal, permission: &str, scheme: &str) -> Response {
    let detail = format!("`{}` does not have the permission `{permission}`", principal.subject);
    let problem = Problem::from_code(Code::PermissionDenied).detail(detail);
    challenge(problem, &format!("{scheme} error=\"insufficient_scope\", scope=\"{permission}\""))
}

/// Source: RFC 6750, section 3.
fn challenge(problem: Problem, challenge: &str) -> Response {
    let mut response = problem.into_response();
    if let Ok(challenge) = HeaderValue::from_str(challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}
