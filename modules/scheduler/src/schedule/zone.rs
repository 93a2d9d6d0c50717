use std::{fmt, str::FromStr};

use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, de};

use super::ScheduleError;

/// A time zone of the IANA database, which is built in: `Europe/Berlin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(pub(crate) Tz);

// === impl Zone ===

impl Zone {
    /// Coordinated universal time, which has no changes. The default.
    pub const UTC: Self = Self(Tz::UTC);
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl FromStr for Zone {
    type Err = ScheduleError;

    fn from_str(name: &str) -> Result<Self, ScheduleError> {
        name.parse().map(Self).map_err(|_| ScheduleError::Zone(name.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
