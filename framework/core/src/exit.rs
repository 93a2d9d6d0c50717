//! Exit codes that tell the truth.

use std::{fmt, process::ExitCode};

/// How an application ended, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    code: u8,
    reason: String,
}

// === impl Exit ===

impl Exit {
    /// Clean; also a start that a signal cancelled and that was rolled back.
    pub const CLEAN: u8 = 0;
    /// A runnable failed for good, or something failed while it was stopped.
    pub const RUNNABLE_FAILED: u8 = 1;
    /// The command line was wrong.
    pub const USAGE: u8 = 64;
    /// The start failed.
    pub const START_FAILED: u8 = 70;
    /// The stop took longer than it may, and something was aborted.
    pub const STOP_OVERRAN: u8 = 74;
    /// The wiring or the configuration is wrong; nothing was started.
    pub const CONFIGURATION: u8 = 78;

    /// An exit with a code of your own.
    pub fn new(code: u8, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// The exit code of the process.
    pub fn code(&self) -> u8 {
        self.code
    }

    /// What led to it.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether nothing went wrong.
    pub fn is_clean(&self) -> bool {
        self.code == Self::CLEAN
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {} ({})", self.code, self.reason)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code)
    }
}
