use chrono::{DateTime, Utc};
use purlin::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use validator::Validate;

/// The identifier of an order; it sorts by the time of its creation.
pub type OrderId = Uuid;

/// What a customer asks for.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, JsonSchema)]
pub struct NewOrder {
    /// Who orders.
    #[validate(length(min = 1, max = 200, message = "must not be empty"))]
    pub customer: String,
    /// The price, in cents.
    #[validate(range(min = 1, message = "must be above 0"))]
    pub amount_cents: i64,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// Its identifier.
    pub id: OrderId,
    /// Who ordered.
    pub customer: String,
    /// The price, in cents.
    pub amount_cents: i64,
    /// How far it has come.
    pub status: Status,
    /// When it was taken.
    pub created_at: DateTime<Utc>,
}

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(rename_all = "lowercase")]
pub enum Status {
    /// It was taken.
    New,
    /// It was confirmed.
    Confirmed,
}

/// Why something could not be done with an order.
#[derive(Debug, thiserror::Error, ServiceError)]
pub enum OrderError {
    /// There is no such order.
    #[error("order {0} does not exist")]
    #[code(NotFound)]
    NotFound(OrderId),
    /// The amount needs a review.
    #[error("an amount above {limit} cents needs a review")]
    #[code(FailedPrecondition)]
    NeedsReview {
        /// The largest amount without one.
        limit: i64,
    },
    /// The database failed.
    #[error(transparent)]
    #[code(with = purlin::sql::code)]
    Sql(#[from] sqlx::Error),
}
