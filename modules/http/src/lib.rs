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
//! - [`config`]: the section `http`;
//! - [`metrics`]: what is measured;
//! - [`service()`]: all of it without the framework.
//!
//! # The layers
//! Around every route lie, from the outside in: correlation id and span, access log, metrics,
//! problem details, panics, timeout, body limit, and on secured routes the guard. The layers of the
//! user follow inside. Each of the first five is switched by `http.layers`; the timeout is off at
//! 0 s. What measures is outside of what answers, so that a panic, a timeout and a refusal are
//! logged and counted as what the caller got.
//!
//! # What is not here
//! Connections are the business of `purlin-serve`. There is one accept loop, and HTTP/1.1 only.

extern crate purlin_core as purlin;

pub mod auth;
pub mod config;
pub mod error;
pub mod extract;
mod layers;
pub mod metrics;
mod module;
pub mod problem;
pub mod routes;
mod server;
mod service;

pub use self::{
    auth::{AuthError, Authenticator, Principal},
    config::HttpConfig,
    extract::{Created, Cursor, CursorPage, CursorPaged, Page, Paged, Valid},
    layers::CorrelationId,
    module::HttpModule,
    problem::Problem,
    routes::{
        MethodRoute, Posture, Routes, any, connect, delete, get, head, on, options, patch, post,
        put, trace,
    },
    service::{Options, service},
};
