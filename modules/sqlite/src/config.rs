//! Configuration.

use std::{path::PathBuf, time::Duration};

use purlin::config::{Config, DataDir};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteSynchronous;

/// Where the database is and how it is used.
///
/// The section is `sqlite`.
#[derive(Debug, Clone, Config)]
#[config(section = "sqlite")]
pub struct SqliteConfig {
    /// Directory of the database; it is created when it does not exist.
    #[config(default = "./data")]
    pub dir: DataDir,
    /// Name of the database's file. Its log and index (`-wal`, `-shm`) lie beside it.
    #[config(default = "app.db")]
    pub file: String,
    /// How long to wait for another process that has the database locked.
    #[config(default = "5s")]
    #[validate(range(max = "1h"))]
    pub busy_timeout: Duration,
    /// Most connections that read. There is one more, which writes.
    #[config(default = 4)]
    #[validate(range(min = 1, max = 1_000))]
    pub max_readers: u32,
    /// How long a query waits for a free connection.
    #[config(default = "30s")]
    #[validate(range(min = "1ms", max = "1h"))]
    pub acquire_timeout: Duration,
    /// What a commit waits for: `normal` or `full` (the disk).
    #[config(default)]
    pub synchronous: Synchronous,
    /// Whether migrations run at start.
    #[config(default = true)]
    pub migrate: bool,
}

/// What a commit waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// The operating system: survives a kill of the process, not a loss of power.
    #[default]
    Normal,
    /// The disk: survives a loss of power.
    Full,
}

// === impl SqliteConfig ===

impl SqliteConfig {
    /// The path of the database.
    pub fn path(&self) -> PathBuf {
        self.dir.join(&self.file)
    }
}

impl Default for SqliteConfig {
    fn default() -> Self {
        Self {
            dir: DataDir::from("./data"),
            file: "app.db".to_owned(),
            busy_timeout: Duration::from_secs(5),
            max_readers: 4,
            acquire_timeout: Duration::from_secs(30),
            synchronous: Synchronous::default(),
            migrate: true,
        }
    }
}

// === impl Synchronous ===

impl From<Synchronous> for SqliteSynchronous {
    fn from(synchronous: Synchronous) -> Self {
        match synchronous {
            Synchronous::Normal => Self::Normal,
            Synchronous::Full => Self::Full,
        }
    }
}

#[cfg(test)]
mod tests {
    use purlin::config::{Inputs, Section, Settings};

    use super::*;

    fn read(inputs: Inputs) -> SqliteConfig {
        let section = Section::of::<SqliteConfig>("sqlite", None);
        let (settings, problems) = Settings::load(inputs, std::slice::from_ref(&section));
        assert!(problems.is_empty(), "{problems:?}");
        settings.read(&section).unwrap()
    }

    #[test]
    fn the_defaults_are_the_same_with_and_without_an_application() {
        let (read, default) = (read(Inputs::default()), SqliteConfig::default());
        assert_eq!(format!("{read:?}"), format!("{default:?}"));
    }
}
