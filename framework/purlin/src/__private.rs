//! What the macros emit names of. Not part of the API: it may change in any version.

pub use purlin_core::__private::*;

#[cfg(feature = "http")]
pub use purlin_http::service_error_transports;
#[cfg(feature = "http")]
pub use purlin_http::__private::*;
