//! What the macros emit names of. Not part of the API: it may change in any version.

pub use crate::{component, config, error, key, needs, registry};
pub use async_trait;
pub use shaku;
pub use validator;

pub use crate::__service_error_transports as service_error_transports;

/// Implements what the transports ask of a service error: nothing here, for the core knows none.
///
/// The facade has one of the same name that implements axum's `IntoResponse`. The arguments are the
/// generics of the type, the type, and its `where` clause, each in brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! __service_error_transports {
    ([$($generics:tt)*] [$error:ty] [$($clause:tt)*]) => {};
}
