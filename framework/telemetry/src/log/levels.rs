use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// What is logged: a level for everything, and others for some targets.
///
/// ```
/// use purlin_telemetry::log::Levels;
///
/// let levels: Levels = "info,sqlx=warn,orders::totals=debug".parse().unwrap();
/// assert_eq!(levels.to_string(), "info,orders::totals=debug,sqlx=warn");
/// assert!("loud".parse::<Levels>().is_err());
/// ```
///
/// A level is one of `off`, `error`, `warn`, `info`, `debug` and `trace`. A target is the beginning
/// of a module path, and the longest one that fits counts. Without a level for everything it is
/// `info`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Levels {
    default: LevelFilter,
    targets: BTreeMap<String, LevelFilter>,
}

/// The text does not say what is logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no level; write off, error, warn, info, debug or trace, and `info,sqlx=warn` for one target"
)]
pub struct NotLevels(String);

// === impl Levels ===

impl Levels {
    /// The level of everything that no target says otherwise about.
    pub fn default_level(&self) -> LevelFilter {
        self.default
    }

    /// The targets with a level of their own.
    pub fn targets(&self) -> impl Iterator<Item = (&str, LevelFilter)> {
        self.targets.iter().map(|(target, level)| (target.as_str(), *level))
    }

    /// The level that a target, or everything else, was given.
    pub(crate) fn get(&self, target: Option<&str>) -> Option<LevelFilter> {
        match target {
            Some(target) => self.targets.get(target).copied(),
            None => Some(self.default),
        }
    }

    /// Gives a target, or everything else, a level, or takes it away.
    pub(crate) fn put(&mut self, target: Option<&str>, level: Option<LevelFilter>) {
        match (target, level) {
            (target, Some(level)) => self.set(target, level),
            (Some(target), None) => drop(self.targets.remove(target)),
            (None, None) => {}
        }
    }

    /// Sets the level of a target, or of everything else.
    pub fn set(&mut self, target: Option<&str>, level: LevelFilter) {
        match target {
            Some(target) => drop(self.targets.insert(target.to_owned(), level)),
            None => self.default = level,
        }
    }

    /// Reads a level.
    ///
    /// # Errors
    /// [`NotLevels`] when it is none.
    pub fn level(text: &str) -> Result<LevelFilter, NotLevels> {
        // `LevelFilter` itself takes numbers and the empty text, too.
        let known = ["off", "error", "warn", "info", "debug", "trace"];
        let lower = text.trim().to_ascii_lowercase();
        let known = known.contains(&lower.as_str()).then(|| lower.parse().ok()).flatten();
        known.ok_or_else(|| NotLevels(text.to_owned()))
    }

    pub(crate) fn filter(&self) -> Targets {
        Targets::new().with_default(self.default).with_targets(self.targets.clone())
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self { default: LevelFilter::INFO, targets: BTreeMap::new() }
    }
}

impl FromStr for Levels {
    type Err = NotLevels;

    fn from_str(text: &str) -> Result<Self, NotLevels> {
        let mut levels = Self::default();
        for directive in text.split(',') {
            match directive.split_once('=') {
                None => levels.set(None, Self::level(directive)?),
                Some((target, _)) if target.trim().is_empty() => {
                    return Err(NotLevels(directive.to_owned()));
                }
                Some((target, level)) => levels.set(Some(target.trim()), Self::level(level)?),
            }
        }
        Ok(levels)
    }
}

impl TryFrom<String> for Levels {
    type Error = NotLevels;

    fn try_from(text: String) -> Result<Self, NotLevels> {
        text.parse()
    }
}

impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.default.fmt(f)?;
        self.targets.iter().try_for_each(|(target, level)| write!(f, ",{target}={level}"))
    }
}

impl Serialize for Levels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_level_is_named() {
        for (text, named) in [
            ("", ""),
            ("loud", "loud"),
            ("info,sqlx=loud", "loud"),
            ("info,=warn", "=warn"),
            ("info,", ""),
            ("3", "3"),
        ] {
            assert_eq!(text.parse::<Levels>(), Err(NotLevels(named.to_owned())), "{text}");
        }
    }

    #[test]
    fn targets_alone_leave_the_rest_at_info() {
        let levels: Levels = "sqlx=WARN".parse().unwrap();
        assert_eq!(levels.to_string(), "info,sqlx=warn");
        assert!(levels.filter().would_enable("orders", &tracing::Level::INFO));
        assert!(!levels.filter().would_enable("sqlx::query", &tracing::Level::INFO));
    }
}
