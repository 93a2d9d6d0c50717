use std::sync::Arc;

use axum::{extract::State, http::header, response::IntoResponse};
use purlin_core::meter::Exposition;

use crate::problem::Problem;

/// The metrics, for Prometheus.
pub(crate) async fn metrics(
    State(metrics): State<Option<Arc<dyn Exposition>>>,
) -> Result<impl IntoResponse, Problem> {
    let metrics = metrics.ok_or_else(|| {
        Problem::not_found("there are no metrics, because this application has no telemetry module")
    })?;
    let text = metrics.text().map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
