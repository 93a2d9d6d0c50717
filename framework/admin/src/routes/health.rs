use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use purlin_core::health::{HealthRegistry, HealthReport};
use serde_json::{Map, Value, json};

/// A [`HealthReport`] as an HTTP answer: 200, or 503 when a check failed.
///
/// ```json
/// {"status":true,"response_time":"1.3ms","checks":{
///   "sqlite":{"healthy":true,"response_time":"1.2ms","stats":{"connections":4}}}}
/// ```
#[derive(Debug)]
pub struct HealthAnswer(pub HealthReport);

/// All health checks, once a second at most: the handler of `/health`.
///
/// It can be mounted on a public router, too:
/// ```
/// # fn public(health: purlin_core::health::HealthRegistry) -> axum::Router {
/// axum::Router::new().route("/health", axum::routing::get(purlin_admin::health)).with_state(health)
/// # }
/// ```
/// Figures and error texts of the checks are part of it, so consider who reads them there.
pub async fn health(State(health): State<HealthRegistry>) -> HealthAnswer {
    HealthAnswer(health.report().await)
}

// === impl HealthAnswer ===

impl IntoResponse for HealthAnswer {
    fn into_response(self) -> Response {
        let Self(report) = self;
        let status = if report.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, Json(document(report))).into_response()
    }
}

/// The report with its checks by name, where the report has a list.
fn document(report: HealthReport) -> Value {
    let mut document = json!({ "status": report.healthy });
    let mut checks = Map::new();
    for check in &report.checks {
        let mut check_document = json!(check);
        if let Some(fields) = check_document.as_object_mut() {
            fields.shift_remove("name");
        }
        checks.insert(check.name.clone(), check_document);
    }
    document["response_time"] = json!(report)["response_time"].take();
    document["checks"] = checks.into();
    document
}
