//! The lifecycle: a pure state machine, and a small driver around it.
//!
//! The [`Machine`] takes inputs (a module has started, a signal came, time has passed) and answers
//! with actions (start that module, abort this task, stop with that code). It holds no task, no
//! clock and no socket, so that a property test runs it through ten thousand lives in seconds. The
//! [`Driver`] performs the actions on tokio and feeds back what came of them.
//!
//! ```text
//! built → starting (modules, then runnables) → running → stopping → stopped
//!                     │                                      ▲
//!                     └── a failure, a signal, a request ────┘
//! ```

mod config;
mod driver;
mod machine;
mod run;

#[cfg(test)]
mod properties;

pub(crate) use self::{
    config::{LifecycleConfig, default_drain_delay},
    driver::{Driver, Starting, Unit},
    machine::{Limits, Machine, UnitPlan},
};
