use purlin_admin::AdminModule;
use purlin_telemetry::TelemetryModule;

pub use purlin_core::app::{AppBuilder, BuildError, Running, StartError};

/// Where every application begins: [`App::builder`].
#[derive(Debug)]
pub struct App;

// === impl App ===

impl App {
    /// An application with telemetry and the admin server, and nothing else yet.
    #[must_use]
    #[track_caller]
    pub fn builder() -> AppBuilder {
        let builder =
            purlin_core::app::App::builder().shell(TelemetryModule::default()).shell(AdminModule);
        #[cfg(feature = "otlp")]
        let builder = builder.shell(purlin_telemetry::otlp::OtlpModule);
        known(builder)
    }
}

/// Tells the graph which modules there are, so that it can name the one that is missing.
fn known(builder: AppBuilder) -> AppBuilder {
    #[cfg(feature = "auth")]
    let builder = builder.knows::<purlin_auth::JwtModule>("JwtModule");
    #[cfg(feature = "http-client")]
    let builder = builder.knows::<purlin_http_client::HttpClientModule>("HttpClientModule");
    #[cfg(feature = "sqlite")]
    let builder = builder.knows::<purlin_sqlite::SqliteModule>("SqliteModule");
    builder
}
