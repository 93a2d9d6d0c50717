mod tasks;

#[cfg(feature = "profiles")]
mod cpu;
#[cfg(feature = "jemalloc")]
mod heap;
#[cfg(feature = "profiles")]
mod taking;

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::request::Parts,
};
use purlin_core::{clock::Clock, init::Init, readiness::Readiness, spawner::Spawner};
use serde_json::{Value, json};

#[cfg(feature = "profiles")]
pub(crate) use self::cpu::cpu;
#[cfg(feature = "jemalloc")]
pub(crate) use self::heap::heap;
pub(crate) use self::tasks::tasks;
use crate::{ProfilesConfig, auth::Operator, problem::Problem, router::Admin};

/// What profiles are taken with.
#[derive(Clone)]
pub(crate) struct Profiles {
    enabled: bool,
    spawner: Spawner,
    #[cfg_attr(not(feature = "profiles"), expect(dead_code, reason = "tasks take no time"))]
    clock: Clock,
    #[cfg_attr(not(feature = "profiles"), expect(dead_code, reason = "tasks take no time"))]
    readiness: Readiness,
    #[cfg(feature = "profiles")]
    turn: std::sync::Arc<tokio::sync::Semaphore>,
}

/// Proof that profiles are enabled, and that the caller has shown the token.
#[derive(Debug)]
pub(crate) struct Profiler(());

/// What profiles there are, and how each is asked for.
pub(crate) async fn index(State(profiles): State<Profiles>) -> Result<Json<Value>, Problem> {
    profiles.check()?;
    let path = |feature: bool, path: &'static str| feature.then_some(path);
    Ok(Json(json!({
        "profile": path(cfg!(feature = "profiles"), "/debug/pprof/profile?seconds=30&hz=99&format=pprof"),
        "heap": path(cfg!(feature = "jemalloc"), "/debug/pprof/heap?format=pprof"),
        "tasks": "/debug/pprof/tasks",
        "formats": ["pprof", "flamegraph"],
        "needs": "Authorization: Bearer ..",
    })))
}

#[cfg(not(feature = "profiles"))]
pub(crate) async fn cpu(_: Profiler) -> Problem {
    left_out("profiles")
}

#[cfg(not(feature = "jemalloc"))]
pub(crate) async fn heap(_: Profiler) -> Problem {
    left_out("jemalloc")
}

#[cfg(not(feature = "jemalloc"))]
fn left_out(feature: &str) -> Problem {
    Problem::not_found(format!(
        "this binary was built without it: build with the feature `{feature}` of `purlin`"
    ))
}

// === impl Profiles ===

impl Profiles {
    pub(crate) fn new(config: &ProfilesConfig, readiness: Readiness, cx: &Init) -> Self {
        Self {
            enabled: config.enabled,
            spawner: cx.spawner().clone(),
            clock: cx.clock().clone(),
            readiness,
            #[cfg(feature = "profiles")]
            turn: std::sync::Arc::new(tokio::sync::Semaphore::new(1)),
        }
    }

    pub(crate) fn are_enabled(&self) -> bool {
        self.enabled
    }

    fn check(&self) -> Result<(), Problem> {
        if self.enabled {
            return Ok(());
        }
        Err(Problem::not_found(
            "profiles are off: set `admin.profiles.enabled` (ADMIN_PROFILES_ENABLED) to true, and \
             `admin.token` (ADMIN_TOKEN), which they need as `Authorization: Bearer ..`",
        ))
    }
}

// === impl Profiler ===

impl FromRequestParts<Admin> for Profiler {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, admin: &Admin) -> Result<Self, Problem> {
        admin.profiles.check()?;
        Operator::from_request_parts(parts, admin).await?;
        Ok(Self(()))
    }
}
