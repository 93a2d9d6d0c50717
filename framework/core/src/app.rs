//! In work.

mod shared;

pub(crate) use self::shared::Shared;
