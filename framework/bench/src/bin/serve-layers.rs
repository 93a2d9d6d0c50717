//! The default stack of Purlin, put together by hand out of tower-http, `tracing` and
//! OpenTelemetry: the same work for each request, into the same kinds of sinks. With the argument
//! `traced` requests are spans of OpenTelemetry as well, which are made and not sent.

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
    KeyValue, global,
    metrics::{Histogram, MeterProvider as _},
    trace::TracerProvider as _,
};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::{
    metrics::SdkMeterProvider, propagation::TraceContextPropagator, trace::SdkTracerProvider,
};
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
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{fmt, layer::SubscriberExt as _, registry, util::SubscriberInitExt as _};

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
    let traced = std::env::args().nth(1).is_some_and(|argument| argument == "traced");
    let (writer, _guard) = tracing_appender::non_blocking(std::io::stdout());
    let lines = fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(writer);
    let traces = SdkTracerProvider::builder().build();
    let spans = traced.then(|| {
        global::set_text_map_propagator(TraceContextPropagator::new());
        tracing_opentelemetry::layer().with_tracer(traces.tracer("bench"))
    });
    registry().with(LevelFilter::INFO).with(spans).with(lines).init();
    let exposed = Registry::new();
    let exporter = opentelemetry_prometheus::exporter().with_registry(exposed.clone()).build()?;
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
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(move |request: &Request| span(request, traced))
                .on_request(())
                .on_response(()),
        )
        .layer(middleware::from_fn_with_state(instruments, observe))
        .layer(CatchPanicLayer::new())
        .layer(RequestBodyLimitLayer::new(LIMIT))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(30)))
        .layer(DefaultBodyLimit::disable());
    let router = Router::new()
        .route("/hello", get(hello))
        .route("/json", post(json))
        .layer(layers)
        .route("/metrics", get(move || async move { metrics(&exposed) }));
    Ok(axum::serve(TcpListener::bind(address()?).await?, router).await?)
}

fn span(request: &Request, traced: bool) -> Span {
    let id = request.extensions().get::<RequestId>();
    let span = tracing::error_span!(
        "request",
        correlation_id = id.and_then(|id| id.header_value().to_str().ok()).unwrap_or_default(),
        http_method = request.method().as_str(),
        route = route(request),
    );
    if traced {
        let caller = global::get_text_map_propagator(|propagator| {
            propagator.extract(&HeaderExtractor(request.headers()))
        });
        // It fails where there is no layer for it, and there is one.
        let _ = span.set_parent(caller);
    }
    span
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
