//! Logs, metrics and traces of a Purlin application.
//!
//! [`TelemetryModule`] belongs to the shell: the facade adds it, and it starts before all other
//! modules and stops after them. What it does with records is in [`log`], with figures in
//! [`meter`]; the figures that every application has are in [`metrics`]. With the feature `otlp`
//! there is [`otlp`], which makes traces and sends all three to an OpenTelemetry collector.
//!
//! ```
//! use purlin_core::app::App;
//! use purlin_telemetry::TelemetryModule;
//!
//! let app = App::builder().shell(TelemetryModule::new());
//! app.validate().unwrap();
//! ```

extern crate purlin_core as purlin;

mod config;
mod module;
mod outlet;
mod propagation;

pub mod log;
pub mod meter;
pub mod metrics;
#[cfg(feature = "otlp")]
pub mod otlp;

pub use self::{
    config::{Encoding, LoggerConfig},
    module::TelemetryModule,
    outlet::Outlet,
};
