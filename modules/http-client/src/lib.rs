//! HTTP clients for Purlin, on hyper: pooled, guarded and bounded.
//!
//! ```
//! # extern crate purlin_core as purlin;
//! use purlin::{app::App, needs::Named};
//! use purlin_http_client::{Error, HttpClient, HttpClientModule};
//! # use purlin::module::Module as _;
//! # use serde::{Deserialize, Serialize};
//!
//! purlin::name!(pub Payments);
//!
//! # #[derive(Serialize)] struct Charge { cents: u64 }
//! # #[derive(Deserialize)] struct Receipt { id: String }
//! /// Whoever needs it takes it: `Named<Payments, HttpClient>`, or `HttpClient` where there is one.
//! async fn charge(payments: &HttpClient, order: &str, charge: &Charge) -> Result<Receipt, Error> {
//!     payments.post("/charges").json(charge).idempotency_key(order).fetch().await
//! }
//!
//! # fn main() {
//! let app = App::builder()
//!     .module(HttpClientModule.named::<Payments>())     // http_client@payments, PAYMENTS_HTTP_CLIENT_URL
//!     .set("http_client@payments.url", "http://payments:8080/v1");
//! # app.validate().unwrap();
//! # }
//! ```
//! Without the framework: [`HttpClient::builder`].
//!
//! # What a request goes through
//! The [guard](purlin_resilience): deadline, bulkhead, retries with their budget, breaker, timeout.
//! An attempt ends with the last byte of its answer, so that a body that never ends runs into the
//! timeout too. An answer that is larger than `max_response` is an error.
//!
//! # What is repeated
//! | outcome | repeated |
//! |---|---|
//! | the connection could not be made: nothing was sent | always |
//! | the connection broke, there was no answer in time | if the request may be repeated |
//! | 408, 429, 502, 503, 504 | if the request may be repeated; not before its `Retry-After` |
//! | any other answer, an answer that is too large | never |
//!
//! A request may be repeated if its method is idempotent ([RFC 9110, 9.2.2]), if it has an
//! [`Idempotency-Key`](Request::idempotency_key), or if the caller says so with
//! [`repeatable`](Request::repeatable). All of these but the last row, and every 5xx, count against
//! the upstream for the breaker.
//!
//! # What it sends along
//! The trace context of the current span, the identifier of the request that is being answered
//! ([`CorrelationId`](purlin::trace::CorrelationId)), and what `auth` says. Baggage stays here, for a
//! caller may have put anything into it: `propagate: all` sends it along, to a service that is trusted
//! with it, and `propagate: none` sends nothing of the request, to a stranger. No redirect is followed,
//! and no variable such as `HTTP_PROXY` is read.
//!
//! # At stop
//! It closes with the clients, after whoever calls: new requests are refused with
//! [`ErrorKind::Closed`], and those in flight are waited for.
//!
//! # What is not here
//! HTTP/2. Without the feature `tls` an `https` address is refused at start; with it `tls` in the
//! section says whom the client believes.
//!
//! [RFC 9110, 9.2.2]: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2

extern crate purlin_core as purlin;

mod auth;
mod client;
pub mod config;
mod error;
mod health;
mod judge;
pub mod metrics;
mod module;
mod request;
mod response;
mod transport;

pub use self::{
    client::{HttpClient, HttpClientBuilder},
    config::HttpClientConfig,
    error::{Broken, Cause, Error, ErrorKind, SetupError},
    judge::retry_after,
    module::HttpClientModule,
    request::Request,
    response::Response,
};
