//! What can go wrong before the first request.

pub use purlin_serve::{BindError, ListenError};
