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

mod client;
pub mod conformance;
mod eventually;
mod servers;
mod spy;
mod test_app;

pub use self::{
    client::{Client, Request, Response},
    eventually::eventually,
    servers::{Server, server},
    spy::Spy,
    test_app::TestApp,
};
