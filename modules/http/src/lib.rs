//! HTTP for Purlin: axum as it is, with every route decided.
//!
//! Handlers, extractors, responses and tower layers are axum's own. What this crate adds is what a
//! service in production needs around them: a table of routes that is checked before anything
//! starts, errors as problem details, limits, timeouts, correlation, logs, metrics, and a stop that
//! answers what was asked.
//!
//! ```
//! # extern crate purlin_core as purlin;
//! use std::sync::Arc;
//!
//! use axum::{Json, extract::{Path, State}};
//! use purlin::{app::App, error::Code, needs::Interface};
//! use purlin_http::{Created, HttpModule, Problem, Routes, Valid, get, post};
//! # use serde::{Deserialize, Serialize};
//! # use validator::Validate;
//! #
//! # #[derive(Deserialize, Validate)] struct NewOrder { #[validate(range(min = 1))] amount_cents: i64 }
//! # #[derive(Serialize)] struct Order { id: u64, amount_cents: i64 }
//! # trait OrderService: Interface {
//! #     fn create(&self, new: NewOrder) -> Order;
//! #     fn get(&self, id: u64) -> Option<Order>;
//! # }
//! # struct Memory;
//! # impl OrderService for Memory {
//! #     fn create(&self, new: NewOrder) -> Order { Order { id: 7, amount_cents: new.amount_cents } }
//! #     fn get(&self, _: u64) -> Option<Order> { None }
//! # }
//!
//! fn routes() -> Routes<Arc<dyn OrderService>> {
//!     Routes::new().public("/orders", post(create)).public("/orders/{id}", get(show))
//! }
//!
//! async fn create(
//!     State(orders): State<Arc<dyn OrderService>>,
//!     Valid(Json(new)): Valid<Json<NewOrder>>,
//! ) -> Created<Order> {
//!     let order = orders.create(new);
//!     Created::new(format!("/orders/{}", order.id), order)
//! }
//!
//! async fn show(
//!     State(orders): State<Arc<dyn OrderService>>,
//!     Path(id): Path<u64>,
//! ) -> Result<Json<Order>, Problem> {
//!     let missing = || Problem::from_code(Code::NotFound).detail(format!("no order {id}"));
//!     orders.get(id).map(Json).ok_or_else(missing)
//! }
//!
//! # fn main() {
//! let app = App::builder()
//!     .supply::<dyn OrderService>(Arc::new(Memory))
//!     .module(HttpModule::new(routes));
//! # app.validate().unwrap();
//! # }
//! ```
//!
//! # Where to find what
//! - [`routes`]: the table, its check, and whole axum routers in it;
//! - [`auth`]: what stands behind a secured route;
//! - [`problem`]: which error becomes which answer;
//! - [`extract`]: validated values, pages, cursors;
//! - [`stream`] and [`ws`]: answers that go on and WebSockets, and how they end at a stop;
//! - [`openapi`]: what the service offers, for those who call it;
//! - [`limit`]: who counts the requests of a caller;
//! - [`propagation`]: the trace of a request, in headers;
//! - [`config`]: the section `http`;
//! - [`metrics`]: what is measured;
//! - [`service()`]: all of it without the framework.
//!
//! # The layers
//! Around every route lie, from the outside in:
//!
//! | | layer | what it does | switched by | at first |
//! |---|---|---|---|---|
//! | 1 | correlation id | the identifier of the request, on every line of the log and on calls to others | `layers.correlation_id` | on |
//! | 2 | trace | the span of the request, in the trace of its caller | `layers.trace` | on |
//! | 3 | account | a line of the log; duration by method, route and status | `layers.access_log`, `layers.metrics` | on |
//! | 4 | compression | answers in zstd, br or gzip | `compression.responses` | off |
//! | 5 | CORS | which pages of other origins may call; preflights are answered here | `cors.origins` | off |
//! | 6 | problems | errors as problem details | `layers.problems` | on |
//! | 7 | panics | a panic as 500 | `layers.panics` | on |
//! | 8 | streams | tells handlers of the drain, and follows answers that go on | always | on |
//! | 9 | drain | 503 to requests that come during the drain | `layers.drain` | off |
//! | 10 | CSRF | 403 to requests that come from pages of other sites | `csrf.enabled` | on |
//! | 11 | rate limit | 429, by client address or header | `rate_limit.enabled`, routes | off |
//! | 12 | timeout | 504 | `request_timeout`, routes | 30 s |
//! | 13 | decompression | bodies of requests in gzip or br | `compression.requests` | off |
//! | 14 | body limit | 413, also for what was decompressed | `body_limit`, routes | 2 MiB |
//! | 15 | guard | 401 and 403 | secured routes | on |
//! | 16 | rate limit | 429, by principal | `rate_limit.key` | off |
//!
//! The keys are those of the section `http`; `layers.enabled` switches all of them but the guard, and
//! a route is what it is in axum. The tenant has its place between 15 and 16. The layers
//! of the user follow inside, then the handler.
//!
//! What measures is outside of what answers, so that a panic, a timeout and a refusal are logged and
//! counted as what the caller got. CORS is outside of what refuses, so that a page can read why. What
//! costs little refuses before what costs more.
//!
//! # What is not here
//! Connections are the business of `purlin-serve`: accept loops, HTTP/1.1 and HTTP/2 on one port,
//! limits, drain.

extern crate purlin_core as purlin;

pub mod auth;
pub mod config;
pub mod error;
pub mod extract;
mod layers;
pub mod metrics;
mod module;
pub mod openapi;
pub mod problem;
pub mod propagation;
pub mod routes;
mod server;
mod service;
pub mod stream;
#[cfg(feature = "tls")]
mod tls;
pub mod ws;

pub use purlin_limit as limit;

pub use self::{
    auth::{AuthError, Authenticator, Principal},
    config::HttpConfig,
    extract::{Created, Cursor, CursorPage, CursorPaged, Page, Paged, Valid},
    layers::CorrelationId,
    module::HttpModule,
    openapi::api,
    problem::Problem,
    routes::{
        MethodRoute, Posture, Routes, any, connect, delete, get, head, on, options, patch, post,
        put, trace,
    },
    service::{Options, service},
};
