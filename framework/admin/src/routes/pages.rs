use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::{StatusCode, Uri},
};
use purlin_core::page::ActError;
use serde_json::{Value, json};

use crate::{auth::Operator, problem::Problem, router::Admin};

/// What a page shows.
pub(crate) async fn read(
    State(admin): State<Admin>,
    Path(page): Path<String>,
    uri: Uri,
) -> Result<Json<Value>, Problem> {
    match content(&admin, &page).await {
        Err(problem) if problem.is_not_found() => Err(admin.not_found(&uri)),
        content => content.map(Json),
    }
}

/// Acts on a page, for an operator.
pub(crate) async fn act(
    State(admin): State<Admin>,
    _: Operator,
    Path((name, action)): Path<(String, String)>,
    uri: Uri,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Problem> {
    let page = admin.pages.get(&name).ok_or_else(|| admin.not_found(&uri))?;
    let body = body.map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))?;
    let input = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&body).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}"))
        })?
    };
    page.act(&action, input).await.map(Json).map_err(|error| match error {
        ActError::Unknown(action) => {
            Problem::not_found(format!("`{name}` has no action `{action}`"))
        }
        ActError::Invalid(why) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why),
        ActError::Failed(error) => Problem::internal(&error),
    })
}

/// Reads the page of that name.
pub(super) async fn content(admin: &Admin, name: &str) -> Result<Value, Problem> {
    match admin.pages.get(name) {
        Some(page) => page.read().await.map_err(|error| Problem::internal(&error)),
        // Whoever asks for jobs need not know whether there is a scheduler.
        None if name == "jobs" => Ok(json!([])),
        None => Err(Problem::not_found(format!("there is no page `{name}`"))),
    }
}
