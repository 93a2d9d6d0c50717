use std::time::Duration;

use purlin_core::{
    async_trait,
    error::Result,
    page::{ActError, Page},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Levels, TARGET,
    switch::{Switch, Waiter},
};

/// The page `loggers`: levels, read and set.
///
/// The action `set` takes `{"target": "sqlx", "level": "debug", "for": "10m"}`. Without a target it
/// sets the level of everything else; without a time it holds until it is changed. `reset` goes back
/// to the configuration.
#[derive(Debug)]
pub(crate) struct LoggersPage {
    levels: Switch,
    waiter: Waiter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    #[serde(default)]
    target: Option<String>,
    level: String,
    #[serde(default, rename = "for")]
    time: Option<String>,
}

/// The longest time for a change: it is meant to be forgotten, and not to be a configuration.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

// === impl LoggersPage ===

impl LoggersPage {
    pub(crate) fn new(levels: Switch, waiter: Waiter) -> Self {
        Self { levels, waiter }
    }

    fn show(&self) -> Value {
        let levels = self.levels.current();
        let targets: serde_json::Map<_, _> = levels
            .targets()
            .map(|(target, level)| (target.to_owned(), level.to_string().into()))
            .collect();
        let temporary = self.levels.temporary().into_iter().map(|(target, temporary)| {
            let until = humantime::format_rfc3339_seconds(temporary.until).to_string();
            json!({ "target": target, "until": until })
        });
        json!({
            "default": levels.default_level().to_string(),
            "targets": targets,
            "temporary": temporary.collect::<Vec<_>>(),
            "configured": self.levels.configured(),
        })
    }

    fn set(&self, input: Value) -> Result<(), ActError> {
        let set: Set = serde_json::from_value(input).map_err(|error| {
            let example = r#"{"target": "sqlx", "level": "debug", "for": "10m"}"#;
            ActError::Invalid(format!("{error}; send {example}"))
        })?;
        if set.target.as_deref().is_some_and(|target| target.trim().is_empty()) {
            return Err(ActError::Invalid("the target is empty; leave it out for all".to_owned()));
        }
        let level =
            Levels::level(&set.level).map_err(|error| ActError::Invalid(error.to_string()))?;
        let Some(time) = set.time else {
            self.levels.set(set.target, level);
            return Ok(());
        };
        let parsed = humantime::parse_duration(&time).ok();
        let time = parsed.filter(|time| !time.is_zero() && *time <= LONGEST).ok_or_else(|| {
            ActError::Invalid(format!("`{time}` is no time for a change; write 10m, at most 24h"))
        })?;
        self.levels.set_for(set.target, level, time, &self.waiter);
        Ok(())
    }
}

#[async_trait]
impl Page for LoggersPage {
    async fn read(&self) -> Result<Value> {
        Ok(self.show())
    }

    async fn act(&self, action: &str, input: Value) -> Result<Value, ActError> {
        let before = self.levels.current();
        match action {
            "set" => self.set(input)?,
            "reset" => self.levels.reset(),
            other => return Err(ActError::Unknown(other.to_owned())),
        }
        let now = self.levels.current();
        tracing::info!(target: TARGET, component = "telemetry", %before, %now, "log levels were changed");
        Ok(self.show())
    }
}
