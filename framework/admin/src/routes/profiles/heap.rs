use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use purlin_core::error::Error;
use purlin_profile::heap::{SnapshotError, snapshot};
use serde::Deserialize;

use super::{
    Profiler, Profiles,
    taking::{Format, bad_query},
};
use crate::problem::Problem;

#[derive(Debug, Deserialize)]
pub(crate) struct HeapQuery {
    format: Option<Format>,
}

/// Which functions hold the memory now.
pub(crate) async fn heap(
    _: Profiler,
    State(profiles): State<Profiles>,
    query: Result<Query<HeapQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(bad_query)?;
    let format = Format::of(query.format, &headers);
    let turn = profiles.turn()?;
    let written = profiles.blocking(move || {
        let _turn = turn;
        Ok::<_, Problem>(format.write(&snapshot()?, "heap")?)
    });
    written.await?
}

// === impl Problem ===

impl From<SnapshotError> for Problem {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::NotSampling | SnapshotError::NotInUse => {
                Self::not_found(error.to_string())
            }
            SnapshotError::Busy => Self::new(StatusCode::CONFLICT, error.to_string()),
            other => Self::internal(&Error::new(other)),
        }
    }
}
