use purlin_testing::{Authority, eventually};
use serde_json::Value;

use crate::{
    collector::{Collector, Span, attribute},
    service::{Service, Stopped},
};

/// The trace of a caller who samples it.
pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
pub(crate) const CALLER: &str = "b7ad6b7169203331";

/// The one span of that name in a trace.
fn one<'a>(spans: &'a [Span], trace: &str, name: &str) -> &'a Span {
    let found: Vec<_> =
        spans.iter().filter(|span| span.trace == trace && span.name == name).collect();
    assert_eq!(found.len(), 1, "{name} in {spans:#?}");
    found[0]
}

/// One request, from its caller over the database and a task to a neighbour who is not ready at
/// first, and a job: what the collector gets, what the logs say and what callers are told is about
/// the same traces.
async fn the_story_is_told(protocol: &str) {
    let Some(server) = purlin_testing::server("otelcol") else { return };
    let collector = Collector::start(server.address()).await;
    let endpoint = match protocol {
        "grpc" => format!("http://{}", collector.grpc),
        _ => format!("http://{}", collector.http),
    };
    let neighbour = Service::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_SERVICE_NAME", "stock"),
    ])
    .await;
    let neighbour_at = neighbour.address("http");
    let service = Service::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_SERVICE_NAME", "orders"),
        ("HTTP_CLIENT_URL", &format!("http://{neighbour_at}")),
        ("HTTP_CLIENT_PROPAGATE", "all"),
        // Nothing is sent before the stop, unless it is flushed.
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "3600000"),
        // Traces do not depend on what is logged.
        ("LOGGER_LEVEL", "info,purlin_sql=off"),
    ])
    .await;
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    let headers = [("traceparent", &*traceparent), ("baggage", "tenant=blue")];
    let told: Value =
        serde_json::from_str(&service.ask("POST", "/orders/7?token=secret", &headers).await)
            .unwrap();
    let problem: Value = serde_json::from_str(&service.ask("GET", "/fails", &[]).await).unwrap();
    let unmatched = service.ask("GET", "/nowhere/at/all", &[]).await;
    service.ask("BREW", "/fails", &[]).await;
    assert!(unmatched.contains("trace_id"), "{unmatched}");
    eventually(async || service.line("the job has failed").is_some()).await;
    let address = service.address("http");
    let port = address.rsplit(':').next().unwrap();
    let Stopped { code, output, lines, .. } = service.stop().await;
    assert_eq!(code, Some(0), "{output}");
    let Stopped { code, output, lines: lines_of_neighbour, .. } = neighbour.stop().await;
    assert_eq!(code, Some(0), "{output}");

    let arrived = |name: &str| collector.spans().iter().any(|span| span.name == name);
    eventually(async || arrived("POST /orders/{id}") && arrived("GET /stock/{id}")).await;
    let (spans, of_neighbour): (Vec<_>, Vec<_>) =
        collector.spans().into_iter().partition(|span| span.service == "orders");
    assert!(of_neighbour.iter().all(|span| span.service == "stock"), "{of_neighbour:#?}");
    let request = one(&spans, TRACE, "POST /orders/{id}");
    assert_eq!((&*request.parent, request.kind, request.status), (CALLER, 2, 0));
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/orders/{id}"),
        ("url.path", "/orders/7"),
        ("url.scheme", "http"),
        ("http.response.status_code", "200"),
        ("network.protocol.version", "1.1"),
        ("server.address", "127.0.0.1"),
        ("server.port", port),
        ("client.address", "127.0.0.1"),
    ] {
        assert_eq!(request.attribute(name), value, "{name}: {request:#?}");
    }
    let insert = one(&spans, TRACE, "INSERT orders");
    assert_eq!((&insert.parent, insert.kind), (&request.id, 3));
    assert_eq!(insert.attribute("db.system.name"), "sqlite");
    assert_eq!(insert.attribute("db.operation.name"), "INSERT");
    assert_eq!(insert.attribute("db.collection.name"), "orders");
    assert_eq!(one(&spans, TRACE, "SELECT orders").parent, request.id);
    let task = one(&spans, TRACE, "task receipt");
    assert_eq!(task.parent, request.id);
    assert_eq!(one(&spans, TRACE, "UPDATE orders").parent, task.id);
    assert_eq!(spans.iter().filter(|span| span.trace == TRACE).count(), 7, "{spans:#?}");

    let attempts = [("", "503", "503", 2), ("1", "200", "", 0)].map(|expected| {
        let (resend, status, error, failed) = expected;
        let is_it = |span: &&Span| {
            span.name == "GET" && span.attribute("http.request.resend_count") == resend
        };
        let mut found = spans.iter().filter(|span| span.trace == TRACE).filter(is_it);
        let attempt = found.next().unwrap_or_else(|| panic!("{resend:?} in {spans:#?}"));
        assert_eq!((&attempt.parent, attempt.kind, attempt.status), (&request.id, 3, failed));
        for (name, value) in [
            ("http.request.method", "GET"),
            ("url.full", &*format!("http://{neighbour_at}/stock/7")),
            ("server.address", "127.0.0.1"),
            ("server.port", neighbour_at.rsplit(':').next().unwrap()),
            ("http.response.status_code", status),
            ("error.type", error),
        ] {
            assert_eq!(attempt.attribute(name), value, "{name}: {attempt:#?}");
        }
        let served = |span: &&Span| span.trace == TRACE && span.parent == attempt.id;
        let served: Vec<_> = of_neighbour.iter().filter(served).collect();
        let [served] = served[..] else { panic!("{served:#?}") };
        assert_eq!((&*served.name, served.kind, served.status), ("GET /stock/{id}", 2, failed));
        assert_eq!(served.attribute("http.response.status_code"), status);
        attempt
    });
    assert_eq!(of_neighbour.iter().filter(|span| span.trace == TRACE).count(), 2);
    assert_eq!(told["traceparent"], format!("00-{TRACE}-{}-01", attempts[1].id));
    assert_eq!(told["baggage"], "tenant=blue");

    let failed = spans.iter().find(|span| span.name == "GET /fails").unwrap();
    assert_eq!((failed.status, &*failed.attribute("error.type")), (2, "500"));
    assert_eq!(problem["trace_id"], failed.trace);
    assert!(spans.iter().any(|span| span.name == "GET" && span.attribute("http.route").is_empty()));
    let brewed = spans.iter().find(|span| span.name == "HTTP /fails").unwrap();
    assert_eq!(brewed.attribute("http.request.method"), "_OTHER");
    assert_eq!(brewed.attribute("http.request.method_original"), "BREW");

    let job = spans.iter().find(|span| span.name == "job sweep").unwrap();
    assert_eq!((&*job.parent, job.status), ("", 2));
    assert_ne!(job.trace, TRACE);
    let query = one(&spans, &job.trace, "SELECT orders");
    assert_eq!((&query.parent, query.status), (&job.id, 2));
    assert!(!spans.iter().any(|span| ["run", "init"].contains(&&*span.name)), "{spans:#?}");
    assert!(!format!("{spans:?}").contains("secret") && !format!("{spans:?}").contains("'ada'"));

    let line = lines.iter().find(|line| line["message"] == "an order comes in").unwrap();
    assert_eq!((&line["trace_id"], &line["span_id"]), (&TRACE.into(), &(*request.id).into()));
    assert_eq!(line["http.route"], "/orders/{id}");
    let line = lines.iter().find(|line| line["message"] == "a receipt is written").unwrap();
    assert_eq!((&line["trace_id"], &line["span_id"]), (&TRACE.into(), &(*task.id).into()));
    let id = &line["correlation_id"];
    assert_eq!(id.as_str().map(str::len), Some(36));
    assert!(line.as_object().unwrap().keys().all(|key| !key.starts_with("otel.")), "{line}");

    let asked =
        lines_of_neighbour.iter().filter(|line| line["message"] == "the stock is asked for");
    let of_trace = asked.map(|line| line["trace_id"] == TRACE && line["correlation_id"] == *id);
    assert_eq!(of_trace.collect::<Vec<_>>(), [true, true]);

    let logs = collector.logs();
    let (_, trace, attributes) =
        logs.iter().find(|(message, ..)| message == "an order comes in").unwrap();
    assert_eq!(trace, TRACE);
    assert_eq!(attribute(attributes, "customer"), "ada");
    assert_eq!(attribute(attributes, "correlation_id").len(), 36);
    let metrics = collector.metrics();
    for name in
        ["http_server_request_duration_seconds", "purlin_ready", "purlin_otlp_dropped_total"]
    {
        assert!(metrics.iter().any(|it| it == name), "{name} in {metrics:?}: {}", collector.said());
    }
    server.met(&collector.version());
}

#[tokio::test]
async fn a_collector_is_told_the_story_over_grpc() {
    the_story_is_told("grpc").await;
}

#[tokio::test]
async fn a_collector_is_told_the_story_over_http() {
    the_story_is_told("http/protobuf").await;
}

/// A collector's own ports are known to everybody; those of a test are not.
#[tokio::test]
async fn the_command_of_the_readme_reaches_a_collector() {
    let Some(server) = purlin_testing::server("otelcol") else { return };
    let readme = include_str!("../../../../README.md");
    let command = readme.split('`').find(|code| code.contains("OTEL_")).unwrap();
    let variables = command.split(' ').map_while(|word| word.split_once('='));
    let collector = Collector::start(server.address()).await;
    let variables: Vec<_> = variables
        .map(|(name, value)| {
            let value = value.replace("localhost:4317", &collector.grpc.to_string());
            (name, value.replace("localhost:4318", &collector.http.to_string()))
        })
        .collect();
    assert!(!variables.is_empty() && command.ends_with(" cargo run -p quickstart"), "{command}");
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
    let service = Service::start(&variables).await;
    service.ask("GET", "/refused", &[]).await;
    let Stopped { code, output, lines, .. } = service.stop().await;
    assert_eq!(code, Some(0), "{output}");
    assert!(lines.iter().all(|line| line["level"] != "warn"), "{lines:#?}");
    eventually(async || collector.spans().iter().any(|span| span.name == "GET /refused")).await;
    server.met(&collector.version());
}

/// A collector with a certificate of a private authority, which wants to be shown one.
async fn a_private_authority_is_believed(protocol: &str) {
    let Some(server) = purlin_testing::server("otelcol") else { return };
    let authority = Authority::new();
    let collector = Collector::start_tls(server.address(), &authority).await;
    let port = if protocol == "grpc" { collector.grpc.port() } else { collector.http.port() };
    let endpoint = format!("https://localhost:{port}");
    let (ca, own) = (authority.ca(), authority.issue(&["orders"]));
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let service = Service::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", &path(&ca)),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &path(&own.cert)),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &path(&own.key)),
    ])
    .await;
    service.ask("GET", "/refused", &[]).await;
    let Stopped { code, output, lines, .. } = service.stop().await;
    assert_eq!(code, Some(0), "{output}");
    eventually(async || {
        let arrived = collector.spans().iter().any(|span| span.name == "GET /refused");
        assert!(arrived || lines.iter().all(|line| line["level"] != "warn"), "{lines:#?}");
        arrived && !collector.metrics().is_empty() && !collector.logs().is_empty()
    })
    .await;
    server.met(&collector.version());
}

#[tokio::test]
async fn a_private_authority_is_believed_over_grpc() {
    a_private_authority_is_believed("grpc").await;
}

#[tokio::test]
async fn a_private_authority_is_believed_over_http() {
    a_private_authority_is_believed("http/protobuf").await;
}

/// Which traces are kept is decided by their identifiers, so that all services decide alike.
#[tokio::test]
async fn a_share_of_the_traces_is_kept() {
    const ALL: u64 = 64;
    const KEPT: u64 = 16;
    let Some(server) = purlin_testing::server("otelcol") else { return };
    let collector = Collector::start(server.address()).await;
    let endpoint = format!("http://{}", collector.http);
    let service = Service::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
    ])
    .await;
    let trace = |number: u64| format!("{:032x}", u128::from((2 * number + 1) << 57));
    for number in 0..ALL {
        // It decides whatever the caller has decided.
        let traceparent = format!("00-{}-{CALLER}-0{}", trace(number), number % 2);
        service.ask("GET", "/refused", &[("traceparent", &traceparent)]).await;
    }
    for _ in 0..200 {
        service.ask("GET", "/fails", &[]).await;
    }
    let Stopped { code, output, .. } = service.stop().await;
    assert_eq!(code, Some(0), "{output}");
    eventually(async || collector.spans().iter().any(|span| span.name == "GET /fails")).await;
    let of = |name: &str| -> Vec<_> {
        let spans = collector.spans().into_iter().filter(|span| span.name == name);
        spans.map(|span| span.trace).collect()
    };
    let mut kept = of("GET /refused");
    kept.sort();
    assert_eq!(kept, (0..KEPT).map(trace).collect::<Vec<_>>());
    // Five times the standard deviation to both sides.
    let own = of("GET /fails").len();
    assert!((20..=80).contains(&own), "{own} of 200");
    server.met(&collector.version());
}
