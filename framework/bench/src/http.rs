//! Requests: what each costs with Purlin, without it, and with others.
//!
//! Everybody takes turns. In a round each contestant is started anew, warmed up, asked for as much
//! as it can do, which gives the processor time of a request, and then asked at a fixed rate below
//! that, which gives what a caller waits.

mod contestants;
mod counted;
mod rounds;

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};

pub(crate) use self::{
    counted::{Args as CountArgs, count},
    rounds::{Args, churn, compare},
};

/// After how many requests clients that come and go take a new connection.
const PER_CONNECTION: u64 = 25;

/// The load runs on one thread, which asks the kernel after each task.
fn runtime() -> Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().event_interval(1).build().context("could not build a runtime")
}
