//! What the macros emit names of. Not part of the API: it may change in any version.

pub use purlin_core::__private::*;

#[cfg(feature = "http")]
pub use {
    axum,
    purlin_http::{problem::respond as http_respond, service_error_transports},
};
