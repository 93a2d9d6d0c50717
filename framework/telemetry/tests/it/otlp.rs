use std::{net::TcpListener, time::Duration};

use purlin_testing::{Authority, Fault, FaultProxy, eventually};
use serde_json::Value;

use crate::{
    collector::{Collector, Span, attribute},
    service::{Service, Stopped},
};

/// The trace of a caller who samples it.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// The one span of that name in a trace.
fn one<'a>(spans: &'a [Span], trace: &str, name: &str) -> &'a Span {
    let found: Vec<_> =
        spans.iter().filter(|span| span.trace == trace && span.name == name).collect();
    assert_eq!(found.len(), 1, "{name} in {spans:#?}");
    found[0]
}

/// One request, from its caller over the database and a task to a neighbour, and a job: what the
/// collector gets, what the log says and what callers are told is about the same traces.
async fn the_story_is_told(protocol: &str) {
    let Some(server) = purlin_testing::server("otelcol") else { return };
    let collector = Collector::start(server.address()).await;
    let endpoint = match protocol {
        "grpc" => format!("http://{}", collector.grpc),
        _ => format!("http://{}", collector.http),
    };
    let service = Service::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_SERVICE_NAME", "orders"),
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

    eventually(async || collector.spans().iter().any(|span| span.name == "POST /orders/{id}"))
        .await;
    let spans = collector.spans();
    assert!(spans.iter().all(|span| span.service == "orders"), "{spans:#?}");
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
    assert_eq!(spans.iter().filter(|span| span.trace == TRACE).count(), 5, "{spans:#?}");
    assert_eq!(told["traceparent"], format!("00-{TRACE}-{}-01", request.id));
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
    assert_eq!(line["correlation_id"].as_str().map(str::len), Some(36));
    assert!(line.as_object().unwrap().keys().all(|key| !key.starts_with("otel.")), "{line}");

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

#[tokio::test]
async fn nothing_that_was_sampled_is_lost_at_the_stop() {
    let Some(server) = purlin_testing::server("otelcol") else { return };
    let collector = Collector::start(server.address()).await;
    let endpoint = format!("http://{}", collector.grpc);
    let service = Service::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
        ("OTEL_TRACES_SAMPLER", "parentbased_always_off"),
    ])
    .await;
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    for _ in 0..300 {
        service.ask("GET", "/refused", &[("traceparent", &traceparent)]).await;
        service.ask("GET", "/refused", &[]).await;
    }
    let Stopped { code, output, .. } = service.stop().await;
    assert_eq!(code, Some(0), "{output}");
    eventually(async || collector.spans().len() >= 300).await;
    let spans = collector.spans();
    assert_eq!(spans.len(), 300, "those whose caller samples them, and no others");
    assert!(spans.iter().all(|span| span.trace == TRACE && span.status == 0));
    server.met(&collector.version());
}

#[tokio::test]
async fn a_collector_that_is_not_there_harms_nobody() {
    let service = Service::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "200"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "4"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4"),
        ("OTEL_LOGS_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ])
    .await;
    eventually(async || {
        let answer = service.ask("GET", "/refused", &[]).await;
        assert!(answer.contains("not now"), "{answer}");
        let metrics = service.metrics().await;
        let counted = |reason: &str| {
            let series =
                format!("purlin_otlp_dropped_total{{reason=\"{reason}\",signal=\"traces\"}} ");
            let count = metrics.lines().find_map(|line| line.strip_prefix(&series));
            count.and_then(|count| count.parse::<f64>().ok()).unwrap_or_default()
        };
        counted("queue_full") > 0.0 && counted("export_failed") > 0.0
    })
    .await;
    let Stopped { code, output, lines, .. } = service.stop().await;
    assert_eq!(code, Some(0), "{output}");
    let told: Vec<_> = lines
        .iter()
        .filter(|line| line["component"] == "otel" && line["level"] == "warn")
        .collect();
    let outage = "the collector did not take telemetry, which is lost";
    assert_eq!(told.iter().filter(|line| line["message"] == outage).count(), 1, "{told:#?}");
    let is_told = |line: &Value| line["message"].as_str().unwrap().contains("telemetry was lost: ");
    assert!(lines.iter().any(is_told), "{lines:#?}");
}

/// Nothing but what a test asks for is sampled, and nothing is sent before the stop.
const AT_THE_STOP: [(&str, &str); 4] = [
    ("OTEL_TRACES_SAMPLER", "parentbased_always_off"),
    ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "3600000"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "3600000"),
];

/// What the log tells of lost telemetry, and how many lines are before it.
fn told_lost(lines: &[Value]) -> (usize, &str) {
    let mut messages = lines.iter().map(|line| line["message"].as_str().unwrap()).enumerate();
    messages.find(|(_, message)| message.starts_with("telemetry was lost")).unwrap()
}

/// A collector that accepts connections, and says nothing ever after.
async fn a_collector_that_hangs_holds_up_no_stop(protocol: &str) {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let hanging = FaultProxy::start(collector.local_addr().unwrap());
    hanging.set(Fault::HalfOpen);
    let endpoint = hanging.url();
    let own = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_FLUSH_TIMEOUT", "300ms"),
    ];
    let service = Service::start(&[&own[..], &AT_THE_STOP[..]].concat()).await;
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    for _ in 0..7 {
        service.ask("GET", "/refused", &[("traceparent", &traceparent)]).await;
    }
    let Stopped { code, output, lines, took } = service.stop().await;
    assert_eq!(code, Some(0), "{output}");
    assert!(took >= Duration::from_millis(300), "{took:?}: {output}");
    // The SDK would wait for 5 s, and a runtime whose thread it blocks for 1 s.
    assert!(took < Duration::from_millis(1300), "{took:?}: {output}");
    let (before, told) = told_lost(&lines);
    let lost = format!("7 spans, 1 report of metrics, {before} log records");
    let unanswered = format!("; the collector gave no answer in 300ms about {lost}");
    assert_eq!(told, format!("telemetry was lost: {lost}{unanswered}"), "{output}");
    assert!(hanging.connections() > 0);
}

#[tokio::test]
async fn a_collector_that_hangs_holds_up_no_stop_over_grpc() {
    a_collector_that_hangs_holds_up_no_stop("grpc").await;
}

#[tokio::test]
async fn a_collector_that_hangs_holds_up_no_stop_over_http() {
    a_collector_that_hangs_holds_up_no_stop("http/protobuf").await;
}

/// The last report of metrics says what was lost of the others, and has its time whatever becomes of
/// them.
#[tokio::test]
async fn what_is_lost_at_the_stop_is_in_the_last_report_of_metrics() {
    let Some(server) = purlin_testing::server("otelcol") else { return };
    let collector = Collector::start(server.address()).await;
    let (endpoint, failing) =
        (format!("http://{}", collector.grpc), FaultProxy::start(collector.grpc));
    let traces = failing.url();
    let own = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &*traces),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_FLUSH_TIMEOUT", "2s"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2"),
    ];
    let service = Service::start(&[&own[..], &AT_THE_STOP[..]].concat()).await;
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    // A batch that is full is sent at once.
    for _ in 0..2 {
        service.ask("GET", "/refused", &[("traceparent", &traceparent)]).await;
    }
    eventually(async || collector.spans().len() == 2).await;
    failing.set(Fault::HalfOpen);
    for _ in 0..7 {
        service.ask("GET", "/refused", &[("traceparent", &traceparent)]).await;
    }
    let Stopped { code, output, lines, .. } = service.stop().await;
    assert_eq!(code, Some(0), "{output}");
    let lost = "telemetry was lost: 7 spans; the collector gave no answer in 2s about 7 spans";
    assert_eq!(told_lost(&lines).1, lost, "{output}");
    eventually(async || !collector.metrics().is_empty()).await;
    let counted = |metric: &str, labels: &[(&str, &str)]| collector.sum(metric, labels);
    let dropped = [("signal", "traces"), ("reason", "stopped")];
    assert_eq!(counted("purlin_otlp_dropped_total", &dropped), Some(7.0));
    assert_eq!(counted("purlin_otlp_delivered_total", &dropped[..1]), Some(2.0));
    assert_eq!(
        counted("purlin_otlp_delivered_total", &[("signal", "logs")]),
        Some(collector.logs().len() as f64)
    );
    server.met(&collector.version());
}

/// A service that makes no span is no hole in the trace of its caller.
async fn what_a_caller_brought_is_passed_on(variables: &[(&str, &str)]) {
    let service = Service::start(variables).await;
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    let headers = [
        ("traceparent", &*traceparent),
        ("tracestate", "vendor=opaque"),
        ("baggage", "tenant=blue"),
    ];
    let told: Value =
        serde_json::from_str(&service.ask("POST", "/orders/7", &headers).await).unwrap();
    assert_eq!(told["traceparent"], traceparent);
    assert_eq!(
        (&told["tracestate"], &told["baggage"]),
        (&headers[1].1.into(), &headers[2].1.into())
    );
    let problem = service.ask("GET", "/refused", &[("traceparent", &traceparent)]).await;
    let problem: Value = serde_json::from_str(&problem).unwrap();
    assert_eq!(problem["trace_id"], TRACE);
    let twice = [("traceparent", &*traceparent), ("traceparent", &*traceparent)];
    for headers in [&[][..], &twice[..]] {
        let problem = service.ask("GET", "/refused", headers).await;
        assert!(!problem.contains("trace_id"), "{headers:?}: {problem}");
    }
    let lines = service.stop().await.lines;
    // The second one is of a task.
    for message in ["an order comes in", "a receipt is written"] {
        let line = lines.iter().find(|line| line["message"] == message).unwrap();
        assert_eq!((&line["trace_id"], &line["span_id"]), (&TRACE.into(), &CALLER.into()));
    }
    let access = |line: &&Value| line["component"] == "purlin_http::access";
    let of_trace = lines.iter().filter(access).map(|line| line["trace_id"] == TRACE);
    assert_eq!(of_trace.collect::<Vec<_>>(), [true, true, false, false]);
}

#[tokio::test]
async fn without_an_endpoint_the_trace_of_a_caller_goes_on() {
    what_a_caller_brought_is_passed_on(&[]).await;
}

#[tokio::test]
async fn without_the_sdk_the_trace_of_a_caller_goes_on() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    what_a_caller_brought_is_passed_on(&[("OTEL_SDK_DISABLED", "true"), endpoint]).await;
}

#[tokio::test]
async fn without_propagators_nothing_comes_in_and_nothing_goes_out() {
    let service = Service::start(&[("OTEL_PROPAGATORS", "none")]).await;
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    let headers = [("traceparent", &*traceparent), ("baggage", "tenant=blue")];
    let told: Value =
        serde_json::from_str(&service.ask("POST", "/orders/7", &headers).await).unwrap();
    assert_eq!((&told["traceparent"], &told["baggage"]), (&Value::Null, &Value::Null));
    let lines = service.stop().await.lines;
    assert!(lines.iter().all(|line| line.get("trace_id").is_none()), "{lines:#?}");
}

#[tokio::test]
async fn identifiers_need_no_collector() {
    let service = Service::start(&[("OTEL_TRACES_EXPORTER", "none")]).await;
    let traceparent = format!("00-{TRACE}-{CALLER}-00");
    let told = service.ask("POST", "/orders/7", &[("traceparent", &traceparent)]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let passed_on = told["traceparent"].as_str().unwrap();
    assert!(passed_on.starts_with(&format!("00-{TRACE}-")) && passed_on.ends_with("-00"), "{told}");
    let lines = service.stop().await.lines;
    let line = lines.iter().find(|line| line["message"] == "an order comes in").unwrap();
    assert_eq!(line["trace_id"], TRACE);
}
