use axum::{Json, extract::State, http::StatusCode};
use purlin_core::readiness::Readiness;
use serde_json::{Value, json};

/// Liveness: the process answers. A dependency that is down is no reason to be restarted.
pub(crate) async fn live() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// Readiness: whether traffic is wanted, and if not, why.
pub(crate) async fn ready(State(readiness): State<Readiness>) -> (StatusCode, Json<Value>) {
    // The reasons are read first: if it became ready since, it is ready.
    let reasons = readiness.reasons();
    if readiness.is_ready() {
        (StatusCode::OK, Json(json!({ "status": "ready" })))
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "not ready", "reasons": reasons })),
        )
    }
}
