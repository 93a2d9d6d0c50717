//! When a job runs.

mod cron;
mod zone;

#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, de};

pub use self::{cron::Cron, zone::Zone};

/// When a job runs: at a steady pace, at times of the calendar, or only by hand.
///
/// ```
/// use std::time::Duration;
/// use purlin_scheduler::Schedule;
///
/// let steady: Schedule = "5m".parse()?;
/// assert_eq!(steady, Schedule::Every(Duration::from_secs(300)));
/// let nightly: Schedule = "0 3 * * *".parse()?;
/// assert_eq!(nightly.to_string(), "0 3 * * *");
/// # Ok::<(), purlin_scheduler::ScheduleError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// Every so often, by the monotonic clock: a wall clock that is set does not disturb it. The
    /// pace is kept across restarts, where the [store](crate::JobStore) survives them.
    Every(Duration),
    /// At times of the calendar.
    Cron(Cron),
    /// Only when somebody triggers it.
    Manual,
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// It is neither a duration nor a cron pattern.
    #[error("`{pattern}` is no schedule: {reason}; write `30s`, `0 3 * * *` or `@daily`")]
    Pattern {
        /// The text.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Such a time never comes.
    #[error("`{0}` never comes: there is no such day")]
    Never(String),
    /// A period so short that nothing else would be done.
    #[error("a period must be at least 1 ms")]
    TooShort,
    /// There is no such time zone.
    #[error("`{0}` is no time zone; write a name of the IANA database, such as `Europe/Berlin`")]
    Zone(String),
    /// A zone makes no difference to anything but a cron pattern.
    #[error("a time zone has no effect on `{0}`, which is no cron pattern")]
    Zoneless(String),
}

const SHORTEST: Duration = Duration::from_millis(1);

// === impl Schedule ===

impl Schedule {
    /// At the times of a [cron pattern](Cron::new).
    ///
    /// # Errors
    /// [`ScheduleError`] when it is none, or never comes.
    pub fn cron(pattern: &str) -> Result<Self, ScheduleError> {
        Cron::new(pattern).map(Self::Cron)
    }

    /// The same in a time zone.
    ///
    /// # Errors
    /// [`ScheduleError`] when there is no such zone, or the schedule is no cron pattern.
    pub fn zone(self, name: &str) -> Result<Self, ScheduleError> {
        match self {
            Self::Cron(cron) => Ok(Self::Cron(cron.zone(name.parse()?))),
            other => Err(ScheduleError::Zoneless(other.to_string())),
        }
    }

    pub(crate) fn checked(self) -> Result<Self, ScheduleError> {
        match self {
            Self::Every(period) if period < SHORTEST => Err(ScheduleError::TooShort),
            other => Ok(other),
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim();
        match humantime::parse_duration(text.strip_prefix("every ").unwrap_or(text)) {
            Ok(period) => Self::Every(period).checked(),
            Err(_) if text == "manual" => Ok(Self::Manual),
            Err(_) => Self::cron(text),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(period) => write!(f, "every {}", humantime::format_duration(*period)),
            Self::Cron(cron) => cron.fmt(f),
            Self::Manual => f.write_str("manual"),
        }
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
