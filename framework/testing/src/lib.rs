//! The test kit of Purlin.
//!
//! ```no_run
//! # fn app() -> purlin_core::app::AppBuilder { purlin_core::app::App::builder() }
//! use purlin_testing::TestApp;
//!
//! #[tokio::test]
//! async fn an_order_is_taken() {
//!     let app = TestApp::start(app()).await;
//!     app.http().get("/orders").await.expect(200);
//!     assert!(app.stop().await.is_clean());
//! }
//! ```
//!
//! A [`TestApp`] is the real application on free ports and throw-away data. It reads no file and no
//! variable of the machine it runs on: a test sets what it needs with `.set(key, value)`.
//!
//! A [`Program`] is the built binary as a process of its own, with signals and exit codes.
//!
//! What it talks to is a real [`server`], a [`MockServer`] that answers as the test says, or either
//! of them behind a [`FaultProxy`] that breaks what goes through it.

#[cfg(feature = "tls")]
mod authority;
#[cfg(feature = "auth")]
mod callers;
mod client;
pub mod conformance;
mod eventually;
mod fault_proxy;
mod mock_server;
mod problem;
mod program;
mod servers;
mod snapshot;
mod spy;
mod stage;
mod test_app;
#[cfg(feature = "metrics")]
mod test_meter;
#[cfg(feature = "auth")]
mod tokens;

#[cfg(feature = "tls")]
pub use self::authority::{Authority, Issued};
#[cfg(feature = "metrics")]
pub use self::test_meter::TestMeter;
#[cfg(feature = "auth")]
pub use self::{callers::Callers, tokens::TestTokens};
pub use self::{
    client::{Client, Request, Response},
    eventually::eventually,
    fault_proxy::{Fault, FaultProxy, Way},
    mock_server::{Answer, Mock, MockServer, Received, Reply, Sequence, Times, When},
    problem::Problem,
    program::{Ended, Process, Program, Signal},
    servers::{Server, server},
    snapshot::stable,
    spy::Spy,
    test_app::TestApp,
};

/// What the macros of this crate expand to.
#[doc(hidden)]
pub mod __private {
    pub use insta;
}
