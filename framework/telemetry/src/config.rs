use std::time::Duration;

use purlin_core::config::Config;
use serde::Deserialize;

use crate::log::{Levels, Sampling};

/// How the service logs.
///
/// The section is `logger`, the variables begin with `LOGGER_`.
#[derive(Debug, Clone, Config)]
#[config(section = "logger")]
pub struct LoggerConfig {
    /// What log lines call the service. The name of the program, if it is not set.
    pub service_name: Option<String>,
    /// The version in log lines. That of the program, if it is not set.
    pub service_version: Option<String>,
    /// Whether a developer reads along: lines are for people, and name file and line. So it is in
    /// the profile dev, if it is not set.
    pub development: Option<bool>,
    /// How lines are written. Console in development, else JSON, if it is not set.
    pub encoding: Option<Encoding>,
    /// What is logged: a level for all, and others for targets: `info,sqlx=warn`.
    #[config(default = "info")]
    pub level: Levels,
    /// How many records a call site may log in one second, by level or target:
    /// `debug=100,purlin_http::access=20`. More are left out, and counted; warnings and errors
    /// never are.
    #[config(default = "")]
    pub sampling: Sampling,
    /// How many lines may wait to be written. Those that come while so many wait are lost, and
    /// counted in `purlin_log_lines_lost_total`.
    #[config(default = 65_536)]
    #[validate(range(min = 1, max = 10_000_000))]
    pub buffered_lines: usize,
    /// How long the lines that wait at the stop may take to be written. What is left is lost, and
    /// said so on stderr.
    #[config(default = "5s")]
    #[validate(range(min = "10ms", max = "5m"))]
    pub flush_timeout: Duration,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// One JSON object a line, for a collector.
    Json,
    /// Text, for people.
    Console,
}
