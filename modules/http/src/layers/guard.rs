//! What stands before a secured route.

use std::{
    borrow::Cow,
    convert::Infallible,
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};
use purlin::{
    clock::{Clock, Instant},
    error::{Code, Error},
};
use tower::{Layer, Service};

use super::rate_limit::seconds;
use crate::{
    Options,
    auth::{AuthError, Authenticator, Principal},
    problem::{Problem, chain},
};

/// Lets those in whom the authenticator knows, and who have the permission.
///
/// It fails closed: without an authenticator, which an application cannot be built without, nobody
/// gets in.
#[derive(Clone)]
pub(crate) struct Guard(Arc<Post>);

#[derive(Clone)]
pub(crate) struct Guarded<S> {
    inner: S,
    guard: Guard,
}

/// What the guard of a route goes by.
struct Post {
    authenticator: Option<Arc<dyn Authenticator>>,
    permission: Option<Cow<'static, str>>,
    outage: Outage,
}

/// Tells that callers cannot be checked, once in a while: how many such requests there are is for
/// whoever sends them to decide.
struct Outage {
    clock: Clock,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    last: Option<Instant>,
    /// Requests since then.
    requests: u64,
}

/// The time between two lines.
const PAUSE: Duration = Duration::from_secs(10);

// === impl Guard ===

impl Guard {
    pub(crate) fn new(options: &Options, permission: Option<Cow<'static, str>>) -> Self {
        let outage = Outage { clock: options.clock.clone(), told: Mutex::default() };
        Self(Arc::new(Post { authenticator: options.authenticator.clone(), permission, outage }))
    }

    async fn admit(&self, request: Request) -> Result<Request, Response> {
        let Post { authenticator, permission, .. } = &*self.0;
        let Some(authenticator) = authenticator else {
            tracing::error!("a secured route is served without an authenticator");
            return Err(Problem::internal().into_response());
        };
        let (mut parts, body) = request.into_parts();
        let principal = authenticator.authenticate(&parts).await;
        let principal = principal.map_err(|error| self.refused(&error, authenticator.scheme()))?;
        match permission {
            Some(permission) if !principal.has(permission) => {
                return Err(forbidden(&principal, permission, authenticator.scheme()));
            }
            _ => {}
        }
        parts.extensions.insert(principal);
        Ok(Request::from_parts(parts, body))
    }

    fn refused(&self, error: &AuthError, scheme: &str) -> Response {
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
            AuthError::Unavailable { source, retry_after } => {
                self.0.outage.note(source);
                let problem = Problem::from_code(Code::Unavailable).detail(error.to_string());
                let mut response = problem.into_response();
                if let Some(wait) = retry_after {
                    response.headers_mut().insert(RETRY_AFTER, seconds(*wait).max(1).into());
                }
                response
            }
            // What a later version of the trait adds is refused, not let in.
            _ => challenge(
                Problem::from_code(Code::Unauthenticated).detail(error.to_string()),
                scheme,
            ),
        }
    }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, guard: self.clone() }
    }
}

// === impl Outage ===

impl Outage {
    /// Notes a request that was refused because of it.
    fn note(&self, cause: &Error) {
        let now = self.clock.now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.last.is_some_and(|last| now - last >= 2 * PAUSE) {
            // Those were of an outage that is over.
            told.requests = 0;
        }
        told.requests += 1;
        if told.last.is_some_and(|last| now - last < PAUSE) {
            return;
        }
        let Told { requests, .. } = mem::replace(&mut *told, Told { last: Some(now), requests: 0 });
        drop(told);
        tracing::warn!(
            error = chain(cause.as_ref()),
            requests,
            "callers cannot be checked, and are not let in"
        );
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
        let mut inner = mem::replace(&mut self.inner, next);
        let guard = self.guard.clone();
        Box::pin(async move {
            match guard.admit(request).await {
                Ok(request) => inner.call(request).await,
                Err(response) => Ok(response),
            }
        })
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
