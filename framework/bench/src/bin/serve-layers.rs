//! The default stack of Purlin, put together by hand out of tower-http, `tracing` and
//! OpenTelemetry: the same work for each request, into the same kinds of sinks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderName, StatusCode},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use opentelemetry::{
    KeyValue,
    metrics::{Histogram, MeterProvider as _},
};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use purlin_bench::{address, hello, json};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    limit::RequestBodyLimitLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    timeout::TimeoutLayer,
    trace::TraceLayer,
};
use tracing::{Span, level_filters::LevelFilter};

/// What requests are measured with.
#[derive(Clone)]
struct Instruments {
    duration: Histogram<f64>,
    active: Arc<AtomicI64>,
}

const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");
const LIMIT: usize = 2 * 1024 * 1024;
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[tokio::main]
async fn main() -> Result<()> {
    let (writer, _guard) = tracing_appender::non_blocking(std::io::stdout());
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_max_level(LevelFilter::INFO)
        .with_writer(writer)
        .init();
    let registry = Registry::new();
    let exporter = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build()?;
    let provider = SdkMeterProvider::builder().with_reader(exporter).build();
    let meter = provider.meter("bench");
    let duration = meter.f64_histogram("http_server_request_duration_seconds");
    let instruments = Instruments {
        duration: duration.with_boundaries(SECONDS.to_vec()).build(),
        active: Arc::default(),
    };
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(CORRELATION, MakeRequestUuid))
        .layer(PropagateRequestIdLayer::new(CORRELATION))
        .layer(TraceLayer::new_for_http().make_span_with(span).on_request(()).on_response(()))
        .layer(middleware::from_fn_with_state(instruments, observe))
        .layer(CatchPanicLayer::new())
        .layer(RequestBodyLimitLayer::new(LIMIT))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(30)))
        .layer(DefaultBodyLimit::disable());
    let router = Router::new()
        .route("/hello", get(hello))
        .route("/json", post(json))
        .layer(layers)
        .route("/metrics", get(move || async move { metrics(&registry) }));
    Ok(axum::serve(TcpListener::bind(address()?).await?, router).await?)
}

fn span(request: &Request) -> Span {
    let id = request.extensions().get::<RequestId>();
    tracing::error_span!(
        "request",
        correlation_id = id.and_then(|id| id.header_value().to_str().ok()).unwrap_or_default(),
        http_method = request.method().as_str(),
        route = route(request),
    )
}

fn route(request: &Request) -> &str {
    request.extensions().get::<MatchedPath>().map_or("<unmatched>", MatchedPath::as_str)
}

/// Measures and logs a request.
#[expect(clippy::disallowed_methods, reason = "it is what one writes without a framework")]
async fn observe(State(on): State<Instruments>, request: Request, next: Next) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let route = route(&request).to_owned();
    on.active.fetch_add(1, Relaxed);
    let since = Instant::now();
    let response = next.run(request).await;
    let (took, status) = (since.elapsed().as_secs_f64(), response.status().as_u16());
    on.active.fetch_sub(1, Relaxed);
    tracing::info!(
        target: "access",
        http_method = method.as_str(),
        path = uri.path(),
        route,
        status,
        duration_ms = took * 1e3,
        "request"
    );
    let labels = [
        KeyValue::new("method", method.to_string()),
        KeyValue::new("route", route),
        KeyValue::new("status", i64::from(status)),
    ];
    on.duration.record(took, &labels);
    response
}

fn metrics(registry: &Registry) -> Result<String, StatusCode> {
    let text = TextEncoder::new().encode_to_string(&registry.gather());
    text.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
