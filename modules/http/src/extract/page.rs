use axum::extract::FromRequestParts;
use http::request::Parts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::QueryFields;
use crate::problem::Problem;

/// Which part of a list is asked for: `?limit=20&offset=40`.
///
/// ```
/// use purlin_http::extract::{Page, Paged};
///
/// async fn list(page: Page) -> axum::Json<Paged<i64>> {
///     let items = (page.offset()..page.offset() + page.limit()).collect();
///     axum::Json(Paged::new(items, 1_000))
/// }
/// ```
/// `limit` is 1 to 100, 20 where it is not given; `offset` is at least 0, which is its default.
/// Anything else is answered with 422 and names the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    limit: i64,
    offset: i64,
}

/// A part of a list, with the length of all of it: `{"items": [..], "total": 42}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Paged<T> {
    /// The items of the part.
    pub items: Vec<T>,
    /// How many there are in all.
    pub total: u64,
}

// === impl Page ===

impl Page {
    /// The largest limit.
    pub const MAX_LIMIT: i64 = 100;
    /// The limit where none is given.
    pub const DEFAULT_LIMIT: i64 = 20;

    /// A page, with both numbers put within their bounds.
    pub fn new(limit: i64, offset: i64) -> Self {
        Self { limit: limit.clamp(1, Self::MAX_LIMIT), offset: offset.max(0) }
    }

    /// The most items that are wanted, in the type that databases take.
    pub fn limit(&self) -> i64 {
        self.limit
    }

    /// How many items lie before.
    pub fn offset(&self) -> i64 {
        self.offset
    }
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: Self::DEFAULT_LIMIT, offset: 0 }
    }
}

impl<S: Sync> FromRequestParts<S> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut fields = QueryFields::of(parts)?;
        let limit = fields.number("limit", 1, Page::MAX_LIMIT, Page::DEFAULT_LIMIT);
        let offset = fields.number("offset", 0, i64::MAX, 0);
        fields.finish()?;
        Ok(Self { limit, offset })
    }
}

// === impl Paged ===

impl<T> Paged<T> {
    /// Some items out of `total`.
    pub fn new(items: Vec<T>, total: u64) -> Self {
        Self { items, total }
    }

    /// Turns each item into another.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Paged<U> {
        Paged { items: self.items.into_iter().map(f).collect(), total: self.total }
    }
}
