use std::{future::Future, sync::Arc};

use axum::{
    extract::rejection::QueryRejection,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use purlin_core::error::Error;
use purlin_profile::{DrawError, Profile};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use super::Profiles;
use crate::problem::Problem;

/// What a profile is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    Pprof,
    Flamegraph,
}

const SVG: &str = "image/svg+xml";

/// A flame graph brings its own script and style, and reaches nothing with them.
const FLAME_GRAPH_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; \
     style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn bad_query(_: QueryRejection) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "`seconds` and `hz` are whole numbers, and `format` is pprof or flamegraph",
    )
}

// === impl Profiles ===

impl Profiles {
    /// The turn to take a profile.
    pub(super) fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.turn).try_acquire_owned().map_err(|_| {
            Problem::new(StatusCode::CONFLICT, "a profile is being taken; one is taken at a time")
        })
    }

    /// What comes of `work`, unless the application stops first.
    pub(super) async fn unless_stopping<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, Problem> {
        tokio::select! {
            biased;
            () = self.readiness.until_stopping() => Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the profile was given up, because the application stops",
            )),
            output = work => Ok(output),
        }
    }

    /// Does what computes, or waits, on a thread where it holds up nobody. A stop does not wait for
    /// it, and nothing is left of it but its end.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let work = tokio::task::spawn_blocking(work);
        let done = self.unless_stopping(work).await?;
        done.map_err(|error| Problem::internal(&Error::new(error).context("take a profile")))
    }
}

// === impl Format ===

impl Format {
    /// The format that is asked for by `?format=`, or by `Accept`.
    pub(super) fn of(asked: Option<Self>, headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let wants_image = accept.is_some_and(|accept| accept.contains(SVG));
        asked.unwrap_or(if wants_image { Self::Flamegraph } else { Self::Pprof })
    }

    /// Writes the profile, which computes for some time.
    pub(super) fn write(self, profile: &Profile, name: &str) -> Result<Response, DrawError> {
        Ok(match self {
            Self::Pprof => {
                let disposition = format!("attachment; filename=\"{name}.pb.gz\"");
                let headers = [
                    (header::CONTENT_TYPE, "application/octet-stream"),
                    (header::CONTENT_DISPOSITION, disposition.as_str()),
                ];
                (headers, profile.encode()).into_response()
            }
            Self::Flamegraph => {
                let mut response =
                    ([(header::CONTENT_TYPE, SVG)], profile.flame_graph(name)?).into_response();
                let policy = HeaderValue::from_static(FLAME_GRAPH_POLICY);
                response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
                response
            }
        })
    }
}

// === impl Problem ===

impl From<DrawError> for Problem {
    fn from(error: DrawError) -> Self {
        match error {
            DrawError::Empty => Self::not_found(
                "there is nothing to draw: no function used the processor, or held memory, while \
                 the profile was taken",
            ),
            other => Self::internal(&Error::new(other)),
        }
    }
}
