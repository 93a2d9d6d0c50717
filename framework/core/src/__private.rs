//! What the macros emit names of. Not part of the API: it may change in any version.

pub use crate::{component, config, error, key, needs, registry};
pub use async_trait;
pub use shaku;
pub use validator;
