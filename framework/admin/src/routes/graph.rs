use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::pages;
use crate::{problem::Problem, router::Admin};

#[derive(Debug, Deserialize)]
pub(crate) struct GraphQuery {
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Json,
    Dot,
    Mermaid,
}

const DOT: &str = "text/vnd.graphviz";
const MERMAID: &str = "text/vnd.mermaid";

/// What the application is made of: as data, or as a drawing in the language of Graphviz or
/// Mermaid, by `?format=` or `Accept`.
pub(crate) async fn graph(
    State(admin): State<Admin>,
    query: Result<Query<GraphQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|_| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "there is no such format; ask for json, dot or mermaid",
        )
    })?;
    let graph = pages::content(&admin, "graph").await?;
    let drawing = |name: &str, media_type: &'static str| {
        let text = graph[name].as_str().unwrap_or_default().to_owned();
        ([(header::CONTENT_TYPE, format!("{media_type}; charset=utf-8"))], text).into_response()
    };
    Ok(match query.format.unwrap_or_else(|| accepted(&headers)) {
        Format::Json => Json(graph).into_response(),
        Format::Dot => drawing("dot", DOT),
        Format::Mermaid => drawing("mermaid", MERMAID),
    })
}

fn accepted(headers: &HeaderMap) -> Format {
    let accept =
        headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains(DOT) {
        Format::Dot
    } else if accept.contains(MERMAID) {
        Format::Mermaid
    } else {
        Format::Json
    }
}
