//! What the service offers, as OpenAPI 3.1, found out from the handlers themselves.
//!
//! A handler in [`api`] describes itself: what its extractors read becomes parameters and bodies,
//! what it returns becomes responses, the codes of its error become problems. Nothing is written
//! twice, so nothing can drift.
//!
//! ```
//! # extern crate purlin_core as purlin;
//! use axum::{Json, extract::Path};
//! use purlin_http::{Created, Routes, Valid, api, get, post};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//! use validator::Validate;
//!
//! /// What a customer asks for.
//! #[derive(Deserialize, Validate, JsonSchema)]
//! struct NewOrder {
//!     /// The price, in cents.
//!     #[validate(range(min = 1))]
//!     amount_cents: i64,
//! }
//!
//! #[derive(Serialize, JsonSchema)]
//! struct Order { id: u64, amount_cents: i64 }
//!
//! async fn create(Valid(Json(new)): Valid<Json<NewOrder>>) -> Created<Order> {
//!     Created::new("/orders/7", Order { id: 7, amount_cents: new.amount_cents })
//! }
//!
//! let routes = Routes::<()>::new()
//!     .public("/orders", post(api(create).summary("Takes an order.")));
//!
//! let document = routes.openapi("orders", "1.0.0");
//! let operation = &document["paths"]["/orders"]["post"];
//! assert_eq!(operation["operationId"], "create");
//! assert_eq!(operation["summary"], "Takes an order.");
//! assert_eq!(
//!     operation["requestBody"]["content"]["application/json"]["schema"]["$ref"],
//!     "#/components/schemas/NewOrder",
//! );
//! assert_eq!(document["components"]["schemas"]["NewOrder"]["properties"]["amount_cents"]["minimum"], 1);
//! assert!(operation["responses"]["201"].is_object());
//! ```
//!
//! # Where it is seen
//! `GET /openapi.json` is the document and `GET /docs` a page that shows it, without anything from
//! elsewhere. Both are served in the profile `dev`, and as `http.openapi.serve` says. The document is
//! printed by `openapi` of the command line as well, and is at `/openapi` of the admin port.
//!
//! # What is in it
//! - Schemas come from [`schemars`], whose derive reads the attributes of serde and of validator and
//!   the comments of documentation.
//! - A handler without [`api`] is there with its path, its method and who may call it.
//! - A secured route says what it requires. Every operation says that errors are problem details.
//! - The tag is the first segment of the path; the identifier is the name of the function.
//! - Whole axum routers, and routes for every method, are not: nothing is known of them.
//!
//! # Extractors and responses of your own
//! They implement [`Input`] and [`Output`]. For those of another crate pass the handler without
//! [`api`].

mod describe;
mod document;
mod input;
mod operation;
mod output;
mod page;
mod schemas;

#[doc(hidden)]
pub use self::describe::Opaque;
pub(crate) use self::{
    describe::Described,
    document::{Documented, document},
    page::pages,
};
pub use self::{
    describe::{Api, Describe, Endpoint, InApi, Plain, api},
    input::Input,
    operation::{In, Operation},
    output::{Failure, Output},
};
