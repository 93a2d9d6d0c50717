use std::time::Duration;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use purlin_core::error::Error;
use purlin_profile::cpu::{DEFAULT_HZ, RecordError, Recording};
use serde::Deserialize;

use super::{
    Profiler, Profiles,
    taking::{Format, bad_query},
};
use crate::problem::Problem;

#[derive(Debug, Deserialize)]
pub(crate) struct CpuQuery {
    seconds: Option<u64>,
    hz: Option<u32>,
    format: Option<Format>,
}

const DEFAULT_SECONDS: u64 = 30;
const MAX_SECONDS: u64 = 300;

/// Which functions compute, for so many seconds from now.
pub(crate) async fn cpu(
    _: Profiler,
    State(profiles): State<Profiles>,
    query: Result<Query<CpuQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(bad_query)?;
    let (seconds, hz) = (query.seconds.unwrap_or(DEFAULT_SECONDS), query.hz.unwrap_or(DEFAULT_HZ));
    if !(1..=MAX_SECONDS).contains(&seconds) {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            format!("`seconds` is {seconds}; ask for 1 to {MAX_SECONDS}"),
        ));
    }
    let format = Format::of(query.format, &headers);
    let turn = profiles.turn()?;
    let recording = profiles.blocking(move || Recording::start(hz)).await??;
    let duration = Duration::from_secs(seconds);
    profiles.unless_stopping(profiles.clock.sleep(duration)).await?;
    let written = profiles.blocking(move || {
        // Looking up the names is part of the turn, even when nobody waits for it any more.
        let _turn = turn;
        let profile = recording.stop()?.resolve();
        Ok::<_, Problem>(format.write(&profile, "cpu")?)
    });
    written.await?
}

// === impl Problem ===

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        let status = match error {
            RecordError::Frequency(_) => StatusCode::BAD_REQUEST,
            RecordError::Running => StatusCode::CONFLICT,
            other => return Self::internal(&Error::new(other)),
        };
        Self::new(status, error.to_string())
    }
}
