use purlin_core::{
    async_trait,
    error::Result,
    page::{ActError, Page},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Levels, TARGET, stack::Switch};

/// The page `loggers`: levels, read and set.
///
/// The action `set` takes `{"target": "sqlx", "level": "debug"}`, and without a target it sets the
/// level of everything else; `reset` goes back to the configuration.
#[derive(Debug)]
pub(crate) struct LoggersPage(pub(crate) Switch);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    #[serde(default)]
    target: Option<String>,
    level: String,
}

// === impl LoggersPage ===

impl LoggersPage {
    fn show(&self, levels: &Levels) -> Value {
        let targets: serde_json::Map<_, _> = levels
            .targets()
            .map(|(target, level)| (target.to_owned(), level.to_string().into()))
            .collect();
        json!({
            "default": levels.default_level().to_string(),
            "targets": targets,
            "configured": self.0.configured(),
        })
    }
}

#[async_trait]
impl Page for LoggersPage {
    async fn read(&self) -> Result<Value> {
        Ok(self.show(&self.0.current()))
    }

    async fn act(&self, action: &str, input: Value) -> Result<Value, ActError> {
        let (before, now) = match action {
            "set" => {
                let set: Set = serde_json::from_value(input).map_err(|error| {
                    ActError::Invalid(format!(
                        r#"{error}; send {{"target": "sqlx", "level": "debug"}}"#
                    ))
                })?;
                if set.target.as_deref().is_some_and(|target| target.trim().is_empty()) {
                    return Err(ActError::Invalid(
                        "the target is empty; leave it out for all".to_owned(),
                    ));
                }
                let level = Levels::level(&set.level)
                    .map_err(|error| ActError::Invalid(error.to_string()))?;
                let before = self.0.current();
                (before, self.0.change(|levels| levels.set(set.target.as_deref(), level)))
            }
            "reset" => {
                let configured = self.0.configured().clone();
                (self.0.current(), self.0.change(|levels| *levels = configured))
            }
            other => return Err(ActError::Unknown(other.to_owned())),
        };
        tracing::info!(target: TARGET, component = "telemetry", %before, %now, "log levels were changed");
        Ok(self.show(&now))
    }
}
