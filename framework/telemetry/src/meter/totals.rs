use prometheus::proto::{MetricFamily, MetricType};
use serde_json::{Map, Number, Value};

/// The numbers that a double holds exactly.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// Each metric as one number over all its labels; see
/// [`Exposition::json`](purlin_core::meter::Exposition::json).
pub(super) fn totals(families: &[MetricFamily]) -> Map<String, Value> {
    let mut totals = Map::new();
    let mut put = |name: String, total: f64| {
        if let Some(number) = number(total) {
            totals.insert(name, number.into());
        }
    };
    for family in families {
        let (name, series) = (family.name(), family.get_metric());
        match family.get_field_type() {
            MetricType::COUNTER => {
                let total = series.iter().map(|series| series.get_counter().get_value()).sum();
                let failed = name.strip_suffix("_failed_total").map(|of| format!("{of}_failed"));
                put(failed.unwrap_or_else(|| name.to_owned()), total);
            }
            MetricType::GAUGE => {
                let values = series.iter().map(|series| series.get_gauge().get_value());
                let is_moment = name.contains("_last_");
                let total = if is_moment { values.fold(f64::MIN, f64::max) } else { values.sum() };
                put(name.to_owned(), total);
            }
            MetricType::HISTOGRAM => {
                let of = series.iter().map(|series| series.get_histogram());
                let sum: f64 = of.clone().map(|histogram| histogram.get_sample_sum()).sum();
                let count: u64 = of.map(|histogram| histogram.get_sample_count()).sum();
                match name.strip_suffix("_seconds") {
                    Some(of) => put(format!("{of}_ns"), (sum * 1e9).round()),
                    None => put(format!("{name}_sum"), sum),
                }
                put(format!("{name}_count"), count as f64);
            }
            // No instrument of ours is one.
            MetricType::SUMMARY | MetricType::UNTYPED => {}
        }
    }
    totals
}

/// Whole numbers without a fraction, since readers take many for integers. JSON knows no others
/// than finite ones.
fn number(value: f64) -> Option<Number> {
    match value.fract() == 0.0 && value.abs() < WHOLE {
        true => Some(Number::from(value as i64)),
        false => Number::from_f64(value),
    }
}

#[cfg(test)]
mod tests {
    use purlin_core::meter::{Exposition as _, label};
    use serde_json::json;

    use super::*;
    use crate::meter::Metrics;

    purlin_core::metrics! {
        MAILS = Counter "mail_sent_total" ["server"] "": "Mails.";
        FAILED = Counter "mail_failed_total" ["server"] "": "Mails that were not sent.";
        WAITING = Gauge "mail_waiting" ["server"] "": "Mails that wait.";
        LAST = Gauge "mail_last_sent" ["server"] "": "When the last was sent.";
        SHARE = Gauge "mail_share" [] "": "A share.";
        NOTHING = Gauge "mail_nothing" [] "": "No number.";
        TOOK = Histogram "mail_duration_seconds" ["server"] "s": "How long it took.";
    }

    #[test]
    fn a_metric_is_one_number_over_its_labels() {
        let metrics = Metrics::new().unwrap();
        let meter = metrics.meter();
        for (server, figure) in [("a", 7), ("b", 5)] {
            let labels = [label("server", server)];
            let seconds = f64::from(u32::try_from(figure).unwrap());
            meter.counter(&MAILS).add(figure, &labels);
            meter.counter(&FAILED).add(1, &labels);
            meter.gauge(&WAITING).record(3, &labels);
            meter.gauge_f64(&LAST).record(1.8e9 + seconds, &labels);
            meter.histogram(&TOOK).record(seconds / 1_000.0, &labels);
        }
        meter.gauge_f64(&SHARE).record(0.25, &[]);
        meter.gauge_f64(&NOTHING).record(f64::NAN, &[]);
        let totals: Value = serde_json::from_str(&metrics.json().unwrap()).unwrap();
        let expected = json!({
            "mail_duration_ns": 12_000_000,
            "mail_duration_seconds_count": 2,
            "mail_failed": 2,
            "mail_last_sent": 1_800_000_007,
            "mail_sent_total": 12,
            "mail_share": 0.25,
            "mail_waiting": 6,
        });
        assert_eq!(totals, expected);
    }
}
