//! What is known of a run.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// A run that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobRun {
    /// Its identifier; it sorts by time.
    pub id: Uuid,
    /// The job.
    pub job: String,
    /// Why it ran.
    pub trigger: Trigger,
    /// When it was due; for a run that nobody had scheduled, when it was asked for.
    #[serde(serialize_with = "rfc3339")]
    pub due: SystemTime,
    /// When its work began.
    #[serde(serialize_with = "rfc3339")]
    pub started: SystemTime,
    /// How long it took, with all attempts and the pauses between them.
    #[serde(rename = "took_ms", serialize_with = "millis")]
    pub took: Duration,
    /// How often it was attempted.
    pub attempts: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The error with its causes, or the message of the panic.
    pub error: Option<String>,
    /// The fencing token of the term in which a leader-only job ran.
    pub token: Option<u64>,
}

/// Why a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Its time had come.
    Schedule,
    /// Its time had been missed.
    Missed,
    /// The scheduler started.
    Start,
    /// Somebody asked for it.
    Manual,
}

/// How a run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With `Ok`.
    Succeeded,
    /// With an error, that of the last attempt.
    Failed,
    /// With a panic.
    Panicked,
    /// At its deadline.
    TimedOut,
    /// Because the application stopped, or leadership ended.
    Stopped,
}

// === impl Trigger ===

impl Trigger {
    const ALL: [Self; 4] = [Self::Schedule, Self::Missed, Self::Start, Self::Manual];

    /// The name, as metrics and the store have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Missed => "missed",
            Self::Start => "start",
            Self::Manual => "manual",
        }
    }

    /// The trigger of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trigger| trigger.name() == name)
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl Outcome ===

impl Outcome {
    const ALL: [Self; 5] =
        [Self::Succeeded, Self::Failed, Self::Panicked, Self::TimedOut, Self::Stopped];

    /// The name, as metrics and the store have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::TimedOut => "timed_out",
            Self::Stopped => "stopped",
        }
    }

    /// The outcome of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A time as people and programs read it.
pub(crate) fn show(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&show(*time))
}

fn millis<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((took.as_secs_f64() * 1e6).round() / 1e3)
}
