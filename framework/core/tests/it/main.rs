//! The core as a process: real signals, exit codes, reports.

extern crate purlin_core as purlin;

mod process;
mod secrets;
mod signals;
