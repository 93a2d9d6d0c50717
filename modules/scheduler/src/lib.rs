//! Jobs: work that is done at its times.
//!
//! ```
//! # extern crate purlin_core as purlin;
//! # use std::{sync::Arc, time::Duration};
//! # use purlin::{app::App, error::Result, needs::Interface};
//! # trait Orders: Interface {}
//! # struct Store;
//! # impl Orders for Store {}
//! # async fn compute(orders: Arc<dyn Orders>) -> Result<()> { Ok(()) }
//! use purlin_scheduler::{Job, Jobs as _, SchedulerModule};
//!
//! let app = App::builder()
//!     # .supply::<dyn Orders>(Arc::new(Store))
//!     .module(SchedulerModule)
//!     .job(Job::every("totals", Duration::from_secs(1), |orders: Arc<dyn Orders>| compute(orders)).leader_only())
//!     .job(Job::cron("report", "0 3 * * MON-FRI", |orders: Arc<dyn Orders>| async move {
//!         compute(orders).await
//!     }).zone("Europe/Berlin"));
//! # app.validate().unwrap();
//! ```
//! The arguments of a job are needs, checked when the application is built, as are its pattern and
//! its time zone. A [`JobCx`] may come before them: it knows the time for which it runs, the term of
//! leadership, and when to stop.
//!
//! # What is promised
//! - A time of a schedule starts at most one run: what is run is marked before it begins. A process
//!   that is killed in the middle of a run does not repeat it; make the job itself repeatable, and
//!   let it look for what is left to do.
//! - A leader-only job is not run as long as its [store](JobStore) does not answer: only the store
//!   knows whether another leader has dealt with a time. When it answers again, [`Missed`] says what
//!   follows; a time that may have been marked although the answer was lost is run by nobody, as
//!   [`Skip::Unanswered`]. Any other job is run all the same; a time whose mark the store did not
//!   take counts as missed after a restart.
//! - A wall clock that is set moves the calendar and not the pace of [`Job::every`]. A mark in the
//!   future is told, as [`JobEvent::MarkAhead`].
//! - A time that has passed while the process was paused or away is not lost unnoticed: [`Missed`]
//!   says what follows. Across restarts this takes a [store](JobStore) that survives them, such as
//!   [`SqliteJobs`].
//! - Runs of one job overlap only as [`Overlap`] allows; an error, a panic or a run that takes too
//!   long ends that run, and no other.
//! - A leader-only job is run by one instance: see [`purlin_core::leader`] for what that is worth,
//!   and pass [`JobCx::term`]'s token to what the job writes to.
//!
//! [`Cron`] tells what happens when clocks change.

#![cfg_attr(
    not(feature = "sqlite"),
    allow(rustdoc::broken_intra_doc_links, reason = "SqliteJobs is behind a feature")
)]

extern crate purlin_core as purlin;

mod config;
mod cx;
mod engine;
mod event;
mod job;
mod limit;
pub mod metrics;
mod module;
mod page;
mod policy;
mod run;
mod schedule;
mod scheduler;
mod slots;
mod store;
mod timeline;
mod work;

#[cfg(feature = "sqlite")]
pub use self::store::{SqliteJobs, SqliteJobsModule};
pub use self::{
    config::{JobSettings, SchedulerConfig},
    cx::JobCx,
    event::{JobEvent, Skip},
    job::{Job, ScheduledJob},
    module::{Jobs, SchedulerModule},
    policy::{Missed, Overlap, Rate, Retry, StopMode},
    run::{JobRun, Outcome, Trigger},
    schedule::{Cron, Schedule, ScheduleError, Zone},
    scheduler::{JobStatus, RunningRun, Scheduler, TriggerError, Triggered},
    store::{JobStore, MemoryJobs},
    work::{WithCx, Work},
};
