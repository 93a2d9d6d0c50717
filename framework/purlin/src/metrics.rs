//! All metrics that a service can emit, from one place: dashboards and alerts are made from it.

use purlin_core::meter::Metric;

/// The declared metrics of all modules that are compiled in.
///
/// ```
/// let names: Vec<_> = purlin::metrics::all().map(|metric| metric.name).collect();
/// assert!(names.contains(&"purlin_build_info"));
/// ```
pub fn all() -> impl Iterator<Item = &'static Metric> {
    let all = purlin_telemetry::metrics::ALL.iter().chain(purlin_admin::metrics::ALL);
    #[cfg(feature = "auth")]
    let all = all.chain(purlin_auth::jwt::metrics::ALL);
    #[cfg(feature = "http")]
    let all = all.chain(purlin_http::metrics::ALL).chain(purlin_http::limit::metrics::ALL);
    #[cfg(feature = "http-client")]
    let all = all.chain(purlin_http_client::metrics::ALL);
    #[cfg(feature = "resilience")]
    let all = all.chain(purlin_resilience::metrics::ALL);
    #[cfg(feature = "scheduler")]
    let all = all.chain(purlin_scheduler::metrics::ALL);
    #[cfg(feature = "sqlite")]
    let all = all.chain(purlin_sql::metrics::ALL);
    #[cfg(feature = "tls")]
    let all = all.chain(purlin_tls::metrics::ALL);
    all
}
