//! An application: what it is made of, and how it is checked, started and run.
//!
//! ```no_run
//! # extern crate purlin_core as purlin;
//! use std::{process::ExitCode, sync::Arc};
//! use purlin::app::{App, AppBuilder};
//!
//! fn main() -> ExitCode {
//!     app().run()
//! }
//!
//! /// One place that names the parts: `main`, the tests and `check` share it.
//! fn app() -> AppBuilder {
//!     App::builder().package(purlin::package!()).supply(Arc::new(7_u32))
//! }
//! ```

mod build;
mod builder;
mod cli;
mod error;
mod launch;
mod member;
mod pages;
mod part;
mod report;
mod run;
mod runtime;
mod section;
mod shared;
mod together;

#[cfg(test)]
mod tests;

pub(crate) use self::shared::Shared;
pub use self::{
    build::App,
    builder::AppBuilder,
    error::{BuildError, StartError},
    launch::{AppHandle, Running},
    member::Member,
    part::{IntoPart, PartOf, Provider},
    runtime::RuntimeConfig,
};
