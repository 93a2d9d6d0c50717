//! Purlin: an application framework for backend services.
//!
//! A service's `main` names the modules it is made of. The framework resolves what each needs,
//! starts them in order, watches them, and stops them in order:
//!
//! ```no_run
//! use purlin::prelude::*;
//! use std::{process::ExitCode, sync::Arc, time::Duration};
//!
//! fn main() -> ExitCode {
//!     App::builder()
//!         .package(purlin::package!())
//!         .supply(Arc::new(Greeting("hello")))
//!         .runnable(Run::new("greeter", |greeting: Arc<Greeting>| Greeter { greeting }))
//!         .run()
//! }
//!
//! struct Greeting(&'static str);
//!
//! struct Greeter { greeting: Arc<Greeting> }
//!
//! #[async_trait]
//! impl Runnable for Greeter {
//!     async fn run(&self, cx: RunCx) -> Result<()> {
//!         let mut tick = cx.interval(Duration::from_secs(1));
//!         cx.ready();
//!         while tick.next().await.is_some() {
//!             tracing::info!("{}", self.greeting.0);
//!         }
//!         Ok(())
//!     }
//! }
//! ```
//!
//! Health, metrics, logs, configuration, a graceful stop, an admin port and a command line come with
//! it. Each module is a feature of this crate:
//!
//! | feature | module | what it gives |
//! |---|---|---|
//! | `auth` | `JwtModule` | `Arc<dyn Authenticator>`, which secured routes ask |
//! | `http` | `HttpModule` | an axum server: decided routes, problem details, limits, drain |
//! | `http-client` | `HttpClientModule` | `HttpClient`: pooled, guarded, bounded requests |
//! | `jemalloc` | | `profile::Jemalloc`, an allocator that knows who holds the memory |
//! | `otlp` | `OtlpModule` | traces, and with metrics and logs what an OpenTelemetry collector gets |
//! | `profiles` | | profiles of the processors, and with `jemalloc` of the heap, on the admin port |
//! | `sqlite` | `SqliteModule` | `Sqlite`, an sqlx executor with ambient transactions |
//! | `resilience` | | `Guard`: retry with a budget, circuit breaker, bulkhead, timeouts |
//! | `scheduler` | `SchedulerModule` | jobs by interval and cron, with history and a page |
//! | `testing` | | the test kit: `TestApp`, `MockServer`, `FaultProxy`, snapshots |
//! | `tls` | | `http.tls`: certificates from files, renewed while the service runs; `https` for clients |

mod app;

pub mod metrics;
pub mod prelude;

#[doc(hidden)]
pub mod __private;

pub use purlin_core::{
    ambient, async_trait, clock, component, config, entropy, error, event, exit, gives, health,
    info, init, key, leader, meter, metrics, module, name, needs, package, page, plan, readiness,
    registry, runnable, shutdown, spawner, trace,
};
pub use purlin_macros::{Component, Config, Needs, ServiceError, components};

pub use self::app::{App, AppBuilder, BuildError, Running, StartError};

pub use purlin_admin as admin;
pub use purlin_telemetry as telemetry;

#[cfg(feature = "auth")]
pub use purlin_auth as auth;
#[cfg(feature = "http")]
pub use purlin_http as http;
#[cfg(feature = "http-client")]
pub use purlin_http_client as http_client;
#[cfg(feature = "profiles")]
pub use purlin_profile as profile;
#[cfg(feature = "resilience")]
pub use purlin_resilience as resilience;
#[cfg(feature = "scheduler")]
pub use purlin_scheduler as scheduler;
#[cfg(feature = "sqlite")]
pub use purlin_sql as sql;
#[cfg(feature = "sqlite")]
pub use purlin_sqlite as sqlite;
#[cfg(feature = "testing")]
pub use purlin_testing as testing;
#[cfg(feature = "tls")]
pub use purlin_tls as tls;

/// The code of the README and of the book, compiled: `cargo test --doc --package purlin
/// --all-features`.
#[cfg(all(
    doctest,
    feature = "http",
    feature = "http-client",
    feature = "scheduler",
    feature = "sqlite",
    feature = "testing"
))]
mod book {
    #[doc = include_str!("../../../README.md")]
    mod readme {}
    #[doc = include_str!("../../../docs/book/getting-started.md")]
    mod getting_started {}
    #[doc = include_str!("../../../docs/book/moving-an-axum-service.md")]
    mod moving_an_axum_service {}
    #[doc = include_str!("../../../docs/book/modules.md")]
    mod modules {}
    #[doc = include_str!("../../../docs/book/components.md")]
    mod components {}
    #[doc = include_str!("../../../docs/book/scheduling.md")]
    mod scheduling {}
    #[doc = include_str!("../../../docs/book/telemetry.md")]
    mod telemetry {}
    #[doc = include_str!("../../../docs/book/configuration.md")]
    mod configuration {}
    #[doc = include_str!("../../../docs/book/http.md")]
    mod http {}
    #[cfg(feature = "auth")]
    #[doc = include_str!("../../../docs/book/security.md")]
    mod security {}
    #[doc = include_str!("../../../docs/book/http-client.md")]
    mod http_client {}
    #[doc = include_str!("../../../docs/book/lifecycle.md")]
    mod lifecycle {}
    #[doc = include_str!("../../../docs/book/errors.md")]
    mod errors {}
    #[doc = include_str!("../../../docs/book/testing.md")]
    mod testing {}
    #[cfg(feature = "jemalloc")]
    #[doc = include_str!("../../../docs/book/production.md")]
    mod production {}
    #[doc = include_str!("../../../docs/book/when-it-does-not-start.md")]
    mod when_it_does_not_start {}
}
