use std::sync::Arc;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::IntoResponse,
};
use purlin_core::meter::Exposition;
use serde::Deserialize;

use crate::problem::Problem;

#[derive(Debug, Deserialize)]
pub(crate) struct MetricsQuery {
    #[serde(default)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Text,
    Json,
}

/// The metrics: as text for Prometheus, or by `?format=json` as one number each.
pub(crate) async fn metrics(
    State(metrics): State<Option<Arc<dyn Exposition>>>,
    query: Result<Query<MetricsQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Query(MetricsQuery { format }) = query.map_err(|_| {
        Problem::new(StatusCode::BAD_REQUEST, "there is no such format; ask for text or json")
    })?;
    let metrics = metrics.ok_or_else(|| {
        Problem::not_found("there are no metrics, because this application has no telemetry module")
    })?;
    let (media_type, written) = match format {
        Format::Text => ("text/plain; version=0.0.4; charset=utf-8", metrics.text()),
        Format::Json => ("application/json", metrics.json()),
    };
    let written = written.map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, media_type)], written))
}
