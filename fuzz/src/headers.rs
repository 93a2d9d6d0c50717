//! Headers, as a whole service takes them and as a client does.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, Request, StatusCode,
        header::{ACCESS_CONTROL_ALLOW_ORIGIN, ORIGIN, RETRY_AFTER},
    },
};
use opentelemetry::{global, propagation::TextMapCompositePropagator, trace::TraceContextExt as _};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use purlin_core::{async_trait, trace::CorrelationId};
use purlin_http::{
    Options, Routes,
    config::{AllowedOrigin, CorsConfig, RateLimitConfig},
    get,
    limit::{Decision, LimiterUnavailable, Quota, RateLimiter},
    propagation, service,
};
use purlin_http_client::retry_after as read_retry_after;
use purlin_serve::PeerAddr;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use crate::{authenticator, runtime};

/// A service with all of its layers, and what they made of a request.
struct Served {
    runtime: Runtime,
    router: Router,
    seen: Arc<Seen>,
    shops: AllowedOrigin,
}

#[derive(Default)]
struct Seen {
    /// By what the rate limit counts the request.
    key: Mutex<String>,
    /// Whether the secured handler was reached.
    inside: AtomicBool,
}

/// A proxy that is believed, and somebody who is not.
const PROXY: &str = "10.0.0.1";
const STRANGER: &str = "9.9.9.9";

static SERVED: LazyLock<Served> = LazyLock::new(|| {
    global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
        Box::new(TraceContextPropagator::new()),
        Box::new(BaggagePropagator::new()),
    ]));
    let (runtime, seen) = (runtime(), Arc::<Seen>::default());
    let shops: AllowedOrigin = "https://*.shop.example".parse().expect("it is an origin");
    let options = Options {
        authenticator: Some(Arc::new(runtime.block_on(authenticator()))),
        cors: CorsConfig {
            origins: vec![shops.clone()],
            credentials: true,
            ..CorsConfig::default()
        },
        rate_limit: RateLimitConfig { enabled: true, ..RateLimitConfig::default() },
        limiter: Some(seen.clone()),
        trusted_proxies: vec!["10.0.0.0/8".parse().expect("it is a network")],
        ..Options::default()
    };
    let inside = seen.clone();
    let secret = move || {
        inside.inside.store(true, Ordering::Relaxed);
        std::future::ready("a secret")
    };
    let routes = Routes::new()
        .public("/", get(async || "hello").post(async || "done"))
        .secured("/secret", get(secret));
    let router = service(routes, (), &options).expect("the routes are sound");
    Served { runtime, router, seen, shops }
});

/// The first line is a method and a path, the others are headers. No request is a fault of the
/// service, none gets in, and each has an identifier that can be logged. Only a proxy is believed
/// about who calls. A context that comes in goes out as it came.
pub fn headers(data: &[u8]) {
    let (target, headers) = read(data);
    let mut words = target.split_whitespace();
    let (method, path) = (words.next().unwrap_or("GET"), words.next().unwrap_or("/"));
    let make = |peer: &str| {
        let request = Request::builder().method(method).uri(path).body(Body::empty());
        let mut request = request.ok()?;
        *request.headers_mut() = headers.clone();
        let peer: IpAddr = peer.parse().expect("it is an address");
        request.extensions_mut().insert(PeerAddr(SocketAddr::new(peer, 1)));
        Some(request)
    };
    let Some((proxied, direct)) = make(PROXY).zip(make(STRANGER)) else { return };
    let served = &*SERVED;
    let client = served.answer(proxied, &headers);
    assert!(client.is_none_or(|client| client.parse::<IpAddr>().is_ok()));
    let client = served.answer(direct, &headers);
    assert!(client.is_none_or(|client| client == STRANGER));
    passed_on(&headers);
}

/// A wait that is asked for is no longer than the header says.
pub fn retry_after(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let headers = HeaderMap::from_iter([(RETRY_AFTER, value)]);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    let Some(wait) = read_retry_after(&headers, now) else { return };
    let later = read_retry_after(&headers, now + Duration::from_secs(1));
    let left = later.expect("what is read once is read again");
    assert!(left <= wait && wait - left <= Duration::from_secs(1), "{wait:?}, then {left:?}");
}

/// A text as the head of a request: what is no header is left out.
fn read(data: &[u8]) -> (String, HeaderMap) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let target = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let header = |line: &[u8]| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(line[..colon].trim_ascii()).ok()?;
        Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
    };
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(header).take(100) {
        headers.append(name, value);
    }
    (target, headers)
}

/// Who has sent what comes in goes out again.
fn passed_on(headers: &HeaderMap) {
    let context = propagation::extract(headers);
    let span = context.span().span_context().clone();
    let mut sent = HeaderMap::new();
    {
        let _attached = context.attach();
        propagation::inject(&mut sent);
    }
    let again = propagation::extract(&sent);
    assert_eq!(again.span().span_context().is_valid(), span.is_valid(), "{headers:?}");
    if span.is_valid() {
        assert_eq!(again.span().span_context().trace_id(), span.trace_id());
        assert_eq!(again.span().span_context().trace_flags(), span.trace_flags());
    }
}

// === impl Served ===

impl Served {
    /// Lets the service answer, and returns who it takes for the client, if that was asked.
    fn answer(&self, request: Request<Body>, headers: &HeaderMap) -> Option<String> {
        self.seen.key.lock().expect("nobody panicked").clear();
        let answer = self.runtime.block_on(self.router.clone().oneshot(request));
        let answer = answer.expect("a router always answers");
        assert!(!answer.status().is_server_error(), "{} for {headers:?}", answer.status());
        assert_ne!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert!(!self.seen.inside.load(Ordering::Relaxed), "{headers:?} got in");

        let text = |name: &str| answer.headers().get(name).and_then(|it| it.to_str().ok());
        if let Some(id) = text(CorrelationId::HEADER) {
            assert!(CorrelationId::new(id).is_some(), "{id:?} goes into logs");
        }
        if let Some(allowed) = text(ACCESS_CONTROL_ALLOW_ORIGIN.as_str()) {
            assert!(self.shops.allows(allowed), "{allowed:?} may read the answer");
            assert_eq!(headers.get(ORIGIN).map(HeaderValue::as_bytes), Some(allowed.as_bytes()));
        }
        let key = self.seen.key.lock().expect("nobody panicked");
        key.rsplit_once('|').map(|(_, client)| client.to_owned())
    }
}

// === impl Seen ===

#[async_trait]
impl RateLimiter for Seen {
    async fn check(&self, key: &str, quota: Quota) -> Result<Decision, LimiterUnavailable> {
        key.clone_into(&mut self.key.lock().expect("nobody panicked"));
        let remaining = quota.burst_size().get();
        Ok(Decision { remaining, reset: Duration::ZERO, retry_after: None })
    }
}
