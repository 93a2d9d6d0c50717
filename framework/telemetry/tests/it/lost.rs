//! What becomes of telemetry that a collector does not take.

use std::{net::TcpListener, time::Duration};

use purlin_testing::{Fault, FaultProxy, eventually};
use serde_json::Value;

use crate::{
    collector::Collector,
    otlp::{CALLER, TRACE},
    service::{Service, Stopped},
};

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
    // The SDK would wait for 5 s.
    assert!(took < Duration::from_millis(4500), "{took:?}: {output}");
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
