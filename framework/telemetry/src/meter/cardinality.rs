use std::collections::BTreeSet;

use purlin_core::meter::{Kind, Metric};

/// What is wrong with the series of an exposition: metrics that nobody declared, and labels other
/// than the declared ones. Meant for tests, with the text of `/metrics`.
///
/// ```
/// use purlin_telemetry::{meter::undeclared, metrics};
///
/// let text = "purlin_ready 1\npurlin_leader{lease=\"totals\",pod=\"a\"} 1\n";
/// assert_eq!(
///     undeclared(text, metrics::ALL),
///     ["`purlin_leader` has the labels lease, pod; declared are lease"],
/// );
/// ```
///
/// A metric that is declared and was not recorded yet is no fault. A series that overflowed has a
/// label which nobody declares, so that a label without bounds is found, too.
pub fn undeclared<'a>(text: &str, declared: impl IntoIterator<Item = &'a Metric>) -> Vec<String> {
    let declared: Vec<_> = declared.into_iter().collect();
    let mut faults = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let (series, mut labels) = series(line);
        let Some(metric) = declared.iter().find(|metric| is_of(series, metric)) else {
            faults.insert(format!("`{series}` is not declared"));
            continue;
        };
        if metric.kind == Kind::Histogram {
            labels.remove("le");
        }
        if labels != metric.labels.iter().copied().collect() {
            let (has, may) = (join(labels), join(metric.labels.iter().copied()));
            faults.insert(format!("`{}` has the labels {has}; declared are {may}", metric.name));
        }
    }
    faults.into_iter().collect()
}

fn is_of(series: &str, metric: &Metric) -> bool {
    match series.strip_prefix(metric.name) {
        Some("") => metric.kind != Kind::Histogram,
        Some("_bucket" | "_sum" | "_count") => metric.kind == Kind::Histogram,
        _ => false,
    }
}

/// The name and the names of the labels of a sample: `name{label="value"} 1`.
fn series(line: &str) -> (&str, BTreeSet<&str>) {
    let end = line.find(['{', ' ']).unwrap_or(line.len());
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeSet::new();
    while let Some((label, value)) = rest.trim_start_matches(['{', ',']).split_once("=\"") {
        labels.insert(label);
        let mut escaped = false;
        let end = value.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        rest = end.and_then(|end| value.get(end + 1..)).unwrap_or_default();
    }
    (name, labels)
}

fn join<'a>(labels: impl IntoIterator<Item = &'a str>) -> String {
    let labels: Vec<_> = labels.into_iter().collect();
    if labels.is_empty() { "none".to_owned() } else { labels.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATENCY: Metric = Metric {
        name: "http_request_duration_seconds",
        help: "How long a request took.",
        kind: Kind::Histogram,
        unit: "s",
        labels: &["route"],
    };

    #[test]
    fn a_value_may_look_like_anything() {
        let text = r#"http_request_duration_seconds_count{route="/a\",raw=\"x\\"} 1"#;
        assert_eq!(undeclared(text, &[LATENCY]), Vec::<String>::new());
    }

    #[test]
    fn strange_metrics_labels_and_overflow_are_found() {
        let text = "# HELP x y\nhttp_request_duration_seconds 1\n\
                    http_request_duration_seconds_sum{route=\"/\",path=\"/7\"} 1\n\
                    http_request_duration_seconds_sum{otel_metric_overflow=\"true\"} 1\n";
        assert_eq!(
            undeclared(text, &[LATENCY]),
            [
                "`http_request_duration_seconds` has the labels otel_metric_overflow; declared are route",
                "`http_request_duration_seconds` has the labels path, route; declared are route",
                "`http_request_duration_seconds` is not declared",
            ]
        );
    }
}
