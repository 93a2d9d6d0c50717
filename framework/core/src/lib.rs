//! The core of Purlin.

extern crate self as purlin;

pub mod clock;
pub mod config;
pub mod entropy;
