use std::{fmt, str::FromStr};

use axum::extract::FromRequestParts;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::request::Parts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{fields::QueryFields, page::Page};
use crate::problem::{FieldError, Problem};

/// A place in a list that callers pass back and do not look into: base64url of what it was made of.
///
/// ```
/// use purlin_http::extract::Cursor;
///
/// let cursor = Cursor::of(&("2030-01-01", 7));
/// let (day, id): (String, u64) = cursor.to_string().parse::<Cursor>().unwrap().read().unwrap();
/// assert_eq!((day.as_str(), id), ("2030-01-01", 7));
/// ```
/// It is encoded and not signed: a caller can make one up. So it says where to go on, and never
/// what the caller may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Cursor(Vec<u8>);

/// The text is not a cursor, or one of another list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of this list; leave it out to begin at the start")]
pub struct InvalidCursor;

/// Which part of a list is asked for, by place: `?limit=20&cursor=Wzdd`.
///
/// ```
/// use purlin_http::{extract::{Cursor, CursorPage, CursorPaged}, problem::Problem};
///
/// async fn list(page: CursorPage) -> Result<axum::Json<CursorPaged<u64>>, Problem> {
///     let after: u64 = page.after()?.unwrap_or(0);
///     let items: Vec<_> = (after + 1..).take(page.limit() as usize).collect();
///     let next = items.last().map(Cursor::of);
///     Ok(axum::Json(CursorPaged { items, next }))
/// }
/// ```
/// A list that changes while it is read skips and repeats nothing this way, and the last page costs
/// no more than the first. `limit` is that of [`Page`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorPage {
    limit: i64,
    cursor: Option<Cursor>,
}

/// A part of a list, with the cursor for the next one: `{"items": [..], "next": "WzI3XQ"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CursorPaged<T> {
    /// The items of the part.
    pub items: Vec<T>,
    /// Where the next part begins; `null` at the end.
    pub next: Option<Cursor>,
}

/// A longer one is none of ours.
const LONGEST: usize = 1024;

// === impl Cursor ===

impl Cursor {
    /// A cursor made of the place of an item: the values that the list is sorted by.
    ///
    /// # Panics
    /// When `place` cannot be written as JSON, as a map whose keys are not strings.
    pub fn of<T: Serialize + ?Sized>(place: &T) -> Self {
        Self(serde_json::to_vec(place).expect("the place of an item can be written as JSON"))
    }

    /// What it was made of.
    ///
    /// # Errors
    /// [`InvalidCursor`] when it was made of something else.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, InvalidCursor> {
        serde_json::from_slice(&self.0).map_err(|_| InvalidCursor)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        if text.len() > LONGEST {
            return Err(InvalidCursor);
        }
        BASE64_URL_SAFE_NO_PAD.decode(text).map(Self).map_err(|_| InvalidCursor)
    }
}

impl TryFrom<String> for Cursor {
    type Error = InvalidCursor;

    fn try_from(text: String) -> Result<Self, InvalidCursor> {
        text.parse()
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

// === impl CursorPage ===

impl CursorPage {
    /// The most items that are wanted, in the type that databases take.
    pub fn limit(&self) -> i64 {
        self.limit
    }

    /// The place after which the part begins; `None` is the start of the list.
    ///
    /// # Errors
    /// A [`Problem`] with status 422 when the cursor was not made of a `T`.
    pub fn after<T: DeserializeOwned>(&self) -> Result<Option<T>, Problem> {
        let place = self.cursor.as_ref().map(Cursor::read).transpose();
        place.map_err(|error| Problem::invalid([FieldError::new("cursor", error.to_string())]))
    }
}

impl<S: Sync> FromRequestParts<S> for CursorPage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut fields = QueryFields::of(parts)?;
        let limit = fields.number("limit", 1, Page::MAX_LIMIT, Page::DEFAULT_LIMIT);
        let cursor = fields.parsed("cursor");
        fields.finish()?;
        Ok(Self { limit, cursor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_cursor_is_refused() {
        assert!("%".parse::<Cursor>().is_err());
        assert!("a".repeat(1025).parse::<Cursor>().is_err());
        assert_eq!(Cursor::of("text").read::<u64>(), Err(InvalidCursor));
    }
}
