use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use purlin_core::meter::Meter;

/// A [`Meter`] whose metrics a test reads, as `/metrics` would show them.
///
/// ```
/// use purlin_core::meter::label;
/// use purlin_testing::TestMeter;
///
/// purlin_core::metrics! {
///     ORDERS = Counter "orders_total" ["outcome", "country"] "": "Orders, by what came of them.";
/// }
///
/// let meter = TestMeter::new();
/// let orders = meter.meter().counter(&ORDERS);
/// for (outcome, country) in [("taken", "at"), ("taken", "de"), ("refused", "at")] {
///     orders.add(1, &[label("outcome", outcome), label("country", country)]);
/// }
///
/// assert_eq!(meter.value("orders_total", &[("outcome", "taken")]), Some(2.0));
/// assert_eq!(meter.value("orders_total", &[("outcome", "lost")]), None);
/// assert!(meter.text().contains("orders_total{country=\"de\",outcome=\"taken\"} 1"));
/// ```
/// An application takes it with `.replace(Arc::new(meter.meter()))`. Nothing is shared with another:
/// tests may run at once. Clones read the same metrics.
#[derive(Debug, Clone)]
pub struct TestMeter {
    registry: Registry,
    provider: SdkMeterProvider,
}

// === impl TestMeter ===

impl TestMeter {
    /// One that has measured nothing.
    ///
    /// # Panics
    /// Never: a registry of its own has nothing in it that could clash.
    pub fn new() -> Self {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_counter_suffixes()
            .without_units()
            .scope_info_enabled(false)
            .without_target_info()
            .build()
            .expect("a new registry takes its first collector");
        let provider = SdkMeterProvider::builder().with_reader(exporter).build();
        Self { registry, provider }
    }

    /// The meter, for what is under test.
    pub fn meter(&self) -> Meter {
        Meter::from_otel(self.provider.meter("test"))
    }

    /// All metrics, in the text format of Prometheus.
    ///
    /// # Panics
    /// When they cannot be written as such.
    pub fn text(&self) -> String {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather());
        text.expect("what was measured can be written")
    }

    /// What was measured under a name and with these labels, whatever others there are: the sum, if
    /// it was under several. `None` where nothing was. A histogram is `name_count`, `name_sum` and
    /// `name_bucket`.
    ///
    /// # Panics
    /// When the metrics cannot be written as text.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels: Vec<_> =
            labels.iter().map(|(label, value)| format!(",{label}={value:?},")).collect();
        let text = self.text();
        let values = text.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (of, with) = series.split_once('{').unwrap_or((series, "}"));
            let with = format!(",{},", with.strip_suffix('}')?);
            let is_it = of == name && labels.iter().all(|label| with.contains(label.as_str()));
            if is_it { value.parse().ok() } else { None }
        });
        values.fold(None, |sum: Option<f64>, value: f64| Some(sum.unwrap_or_default() + value))
    }
}

impl Default for TestMeter {
    fn default() -> Self {
        Self::new()
    }
}
