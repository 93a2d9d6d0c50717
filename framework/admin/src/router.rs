use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRef, State},
    http::{HeaderValue, Method, Uri, header},
    middleware::map_response,
    response::Response,
    routing::{get, post},
};
use purlin_core::{
    config::Secret, health::HealthRegistry, info::AppInfo, meter::Exposition, page::Pages,
    readiness::Readiness,
};

use crate::{
    HealthPath,
    problem::Problem,
    routes::{self, Profiles},
};

/// What the routes show.
#[derive(Clone, FromRef)]
pub(crate) struct Admin {
    pub(crate) info: Arc<AppInfo>,
    pub(crate) health: HealthRegistry,
    pub(crate) readiness: Readiness,
    pub(crate) pages: Pages,
    pub(crate) metrics: Option<Arc<dyn Exposition>>,
    pub(crate) health_path: HealthPath,
    pub(crate) token: Option<Secret<String>>,
    pub(crate) profiles: Profiles,
}

/// The pages may not say what a browser does with them.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn router(admin: Admin) -> Router {
    let mut router = Router::new()
        .route("/", get(routes::index))
        .route("/live", get(routes::live))
        .route("/ready", get(routes::ready))
        .route("/readyz", get(routes::ready))
        .route("/health", get(routes::health))
        .route("/metrics", get(routes::metrics))
        .route("/graph", get(routes::graph))
        .route("/debug/pprof", get(routes::profiles))
        .route("/debug/pprof/profile", get(routes::cpu))
        .route("/debug/pprof/heap", get(routes::heap))
        .route("/debug/pprof/tasks", get(routes::tasks))
        .route("/{page}", get(routes::read))
        .route("/{page}/{action}", post(routes::act));
    if admin.health_path.as_str() != "/live" {
        router = router.route(admin.health_path.as_str(), get(routes::live));
    }
    router
        .fallback(async |State(admin): State<Admin>, uri: Uri| admin.not_found(&uri))
        .method_not_allowed_fallback(async |method: Method, uri: Uri| {
            Problem::not_allowed(&method, uri.path())
        })
        .layer(map_response(guarded))
        .with_state(admin)
}

/// No answer is kept, guessed at or framed.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    response
}

// === impl Admin ===

impl Admin {
    /// Every path that can be read, sorted.
    pub(crate) fn paths(&self) -> Vec<String> {
        let fixed = ["/live", "/ready", "/readyz", "/health", "/metrics", "/graph", "/jobs"];
        let mut paths: Vec<_> = fixed.map(str::to_owned).into();
        paths.push(self.health_path.to_string());
        paths.extend(self.profiles.are_enabled().then(|| "/debug/pprof".to_owned()));
        paths.extend(self.pages.names().into_iter().map(|name| format!("/{name}")));
        paths.sort();
        paths.dedup();
        paths
    }

    pub(crate) fn not_found(&self, uri: &Uri) -> Problem {
        Problem::not_found(format!("there is nothing at {}", uri.path()))
            .with("endpoints", self.paths())
    }
}
