//! A service with a secured route.

use purlin::app::{App, AppBuilder};
use purlin_auth::{JwtModule, Principal};
use purlin_http::{HttpModule, Routes, get, post};
use purlin_telemetry::TelemetryModule;
use purlin_testing::TestApp;

fn routes() -> Routes {
    Routes::new()
        .public("/", get(async || "public"))
        .secured("/me", get(async |caller: Principal| caller.subject))
        .secured("/orders", post(async || "written").requires("orders:write"))
        .secured("/all", get(async || "all").requires("admin"))
}

/// A service that expects what [`claims`](crate::signer::claims) say; its keys are still to be set.
pub(crate) fn service() -> AppBuilder {
    App::builder()
        .shell(TelemetryModule::default())
        .set("jwt.issuer", "https://id.example")
        .set("jwt.audience", ["orders"])
        .module(JwtModule)
        .module(HttpModule::new(routes))
}

/// The status that the bearer of `token` gets.
pub(crate) async fn status(app: &TestApp, token: &str) -> u16 {
    app.http().get("/me").bearer(token).await.status.as_u16()
}

/// How often a metric was counted with this outcome.
pub(crate) fn counted(app: &TestApp, metric: &str, outcome: &str) -> u64 {
    let exposition = app.get::<std::sync::Arc<dyn purlin::meter::Exposition>>();
    let text = exposition.text().unwrap();
    let of_outcome = format!("outcome=\"{outcome}\"");
    let mut lines =
        text.lines().filter(|line| line.starts_with(metric) && line.contains(&of_outcome));
    lines.next().map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}
