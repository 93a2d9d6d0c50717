//! The core of Purlin: modules, the graph, the lifecycle, supervision, leadership, configuration.
//!
//! A service depends on the facade, `purlin`, which installs telemetry and the admin server around
//! what is here. A module crate depends on this crate alone, and names it as its users do:
//! `extern crate purlin_core as purlin;`.
//!
//! The core knows no transport and no client.

extern crate self as purlin;

pub mod component;
pub mod gives;
pub mod init;
pub mod key;
pub mod leader;
pub mod module;
pub mod needs;
pub mod plan;
pub mod registry;
pub mod runnable;

pub mod ambient;
pub mod app;
pub mod event;
pub mod exit;
pub mod info;
pub mod shutdown;
pub mod spawner;

pub mod clock;
pub mod config;
pub mod entropy;
pub mod error;
pub mod health;
pub mod meter;
pub mod page;
pub mod readiness;
pub mod trace;

mod graph;
mod lifecycle;
mod signal;
mod undo;
mod watchdog;

pub use async_trait::async_trait;

#[doc(hidden)]
pub mod __private;
