//! What handlers take and return, beyond what axum has.

mod created;
mod cursor;
mod fields;
mod page;
mod valid;

pub use self::{
    created::Created,
    cursor::{Cursor, CursorPage, CursorPaged, InvalidCursor},
    page::{Page, Paged},
    valid::Valid,
};
