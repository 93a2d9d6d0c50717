//! The core as a process: real signals, exit codes, reports.

mod process;
mod signals;
