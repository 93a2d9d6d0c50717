//! How many requests a caller may send.

use std::{
    convert::Infallible,
    fmt::Write as _,
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use futures_util::future::Either;
use http::{HeaderName, HeaderValue, header::RETRY_AFTER};
use purlin::error::Code;
use purlin_limit::{Decision, Quota, RateLimiter, metrics::Instruments};
use tower::{Layer, Service};

use super::client::Clients;
use crate::{
    auth::Principal,
    config::{RateLimitKey, WhenUnavailable},
    problem::{Problem, chain},
};

/// Answers 429 to callers who have used up their quota, and tells all how much of it is left.
#[derive(Clone)]
pub(crate) struct RateLimit(Option<Arc<Limit>>);

#[derive(Clone)]
pub(crate) struct RateLimited<S> {
    inner: S,
    layer: RateLimit,
}

/// What limits the requests of one route, or of all that have no limit of their own.
pub(super) struct Limit {
    pub(super) quota: Quota,
    /// What the quota is counted by beside the caller: a route, or nothing.
    pub(super) scope: Box<str>,
    pub(super) key: RateLimitKey,
    pub(super) when_unavailable: WhenUnavailable,
    pub(super) limiter: Arc<dyn RateLimiter>,
    pub(super) clients: Clients,
    pub(super) instruments: Instruments,
}

/// Source: draft-ietf-httpapi-ratelimit-headers-07, the last one with three headers, which is what
/// clients know.
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

// === impl RateLimit ===

impl RateLimit {
    pub(super) fn new(limit: Option<Limit>) -> Self {
        Self(limit.map(Arc::new))
    }
}

impl<S> Layer<S> for RateLimit {
    type Service = RateLimited<S>;

    fn layer(&self, inner: S) -> RateLimited<S> {
        RateLimited { inner, layer: self.clone() }
    }
}

// === impl RateLimited ===

impl<S> Service<Request> for RateLimited<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future =
        Either<S::Future, Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Some(limit) = self.layer.0.clone() else {
            return Either::Left(self.inner.call(request));
        };
        // The service that was polled is the one that is ready.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let key = limit.key_of(&request);
        Either::Right(Box::pin(async move {
            match limit.decide(&key).await {
                Ok(None) => inner.call(request).await,
                Ok(Some(decision)) => {
                    let mut response = inner.call(request).await?;
                    limit.describe(&decision, &mut response);
                    Ok(response)
                }
                Err(response) => Ok(response),
            }
        }))
    }
}

// === impl Limit ===

impl Limit {
    /// What is left to the caller, or the answer to one who has nothing left.
    async fn decide(&self, key: &str) -> Result<Option<Decision>, Response> {
        let decision = match self.limiter.check(key, self.quota).await {
            Ok(decision) => decision,
            Err(error) => {
                self.instruments.undecided();
                tracing::warn!(error = chain(&error), "a request could not be counted");
                return match self.when_unavailable {
                    WhenUnavailable::Open => Ok(None),
                    WhenUnavailable::Closed => {
                        let problem = Problem::from_code(Code::Unavailable);
                        Err(problem.detail("the rate limit cannot be checked").into_response())
                    }
                };
            }
        };
        self.instruments.decided(&decision);
        let Some(wait) = decision.retry_after else { return Ok(Some(decision)) };
        let problem = Problem::from_code(Code::ResourceExhausted)
            .detail(format!("too many requests; try again in {} s", seconds(wait)));
        let mut response = problem.into_response();
        self.describe(&decision, &mut response);
        response.headers_mut().insert(RETRY_AFTER, seconds(wait).into());
        Err(response)
    }

    fn describe(&self, decision: &Decision, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(LIMIT, self.quota.burst_size().get().into());
        headers.insert(REMAINING, decision.remaining.into());
        headers.insert(RESET, HeaderValue::from(seconds(decision.reset)));
    }

    /// The kind stands before the value, so that no header can pass for an address or a subject.
    fn key_of(&self, request: &Request) -> String {
        let mut key = format!("{}|", self.scope);
        match &self.key {
            RateLimitKey::Client => {}
            RateLimitKey::Principal => {
                if let Some(caller) = request.extensions().get::<Principal>() {
                    key.push_str("principal|");
                    key.push_str(&caller.subject);
                    return key;
                }
            }
            RateLimitKey::Header(name) => {
                if let Some(value) = request.headers().get(name) {
                    key.push_str("header|");
                    key.push_str(&String::from_utf8_lossy(value.as_bytes()));
                    return key;
                }
            }
        }
        // Writing to a string does not fail.
        let _ = match self.clients.of(request).map(of_one_subscriber) {
            Some(address) => write!(key, "client|{address}"),
            None => write!(key, "client"),
        };
        key
    }
}

/// An address, or the /64 of one of IPv6.
fn of_one_subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address => address,
    }
}

/// Whole seconds, after which it is over for certain.
pub(super) fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
