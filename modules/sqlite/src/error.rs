//! Why a database could not be opened.

use std::{io, path::PathBuf, time::Duration};

use purlin_sql::SqliteCode;
use sqlx::migrate::MigrateError;

use crate::config::SqliteConfig;

/// A database could not be opened or migrated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory does not exist and cannot be created.
    #[error(
        "cannot create the directory {}; set `sqlite.dir` to one that the user of this process may write",
        dir.display()
    )]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The name is not the name of a file.
    #[error(
        "`sqlite.file` is {file:?}, which is not the name of a file; set the directory with `sqlite.dir`, \
         and use a throw-away directory in place of `:memory:`"
    )]
    File {
        /// The name.
        file: String,
    },
    /// Another process has the database.
    #[error(
        "{} is locked by another process, also after {waited:?}; stop that process, set `sqlite.file` to \
         a database of its own for this one, or raise `sqlite.busy_timeout`",
        path.display()
    )]
    Locked {
        /// The database.
        path: PathBuf,
        /// How long this process waited.
        waited: Duration,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The operating system refuses the file.
    #[error(
        "cannot open {} for writing; its directory, the file and those beside it (`-wal`, `-shm`) must \
         belong to the user of this process, on a disk that can be written",
        path.display()
    )]
    Access {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The file is something else, or damaged.
    #[error(
        "{} is not a SQLite database, or it is damaged; restore it from a backup, or move it away so \
         that a new one is created",
        path.display()
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// Anything else.
    #[error("cannot open {}", path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// A migration could not be applied.
    #[error("cannot migrate {}: {fix}", path.display())]
    Migration {
        /// The database.
        path: PathBuf,
        /// What to do.
        fix: String,
        /// What happened.
        source: MigrateError,
    },
}

pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(code(error), Some(SqliteCode::Busy | SqliteCode::Locked))
}

fn code(error: &sqlx::Error) -> Option<SqliteCode> {
    error.as_database_error().and_then(SqliteCode::of)
}

// === impl OpenError ===

impl OpenError {
    pub(crate) fn open(config: &SqliteConfig, source: sqlx::Error) -> Self {
        let path = config.path();
        match code(&source) {
            Some(SqliteCode::Busy | SqliteCode::Locked) => {
                Self::Locked { path, waited: config.busy_timeout, source }
            }
            Some(
                SqliteCode::Perm | SqliteCode::ReadOnly | SqliteCode::IoErr | SqliteCode::CantOpen,
            ) => Self::Access { path, source },
            Some(SqliteCode::Corrupt | SqliteCode::NotADb) => Self::Damaged { path, source },
            _ => Self::Open { path, source },
        }
    }

    pub(crate) fn migration(config: &SqliteConfig, source: MigrateError) -> Self {
        let fix = match source {
            MigrateError::Execute(error) => return Self::open(config, error),
            MigrateError::ExecuteMigration(error, _) if is_busy(&error) => {
                return Self::open(config, error);
            }
            MigrateError::ExecuteMigration(_, version) => {
                format!("migration {version} failed and nothing of it was kept; correct its file")
            }
            MigrateError::VersionMismatch(version) => format!(
                "migration {version} was changed after it had been applied; \
                 put its file back as it was, and write a new migration for the change"
            ),
            MigrateError::VersionMissing(version) => format!(
                "migration {version} was applied by a version of this service that this build does not \
                 know; start that version or a newer one"
            ),
            MigrateError::Dirty(version) => format!(
                "migration {version} was applied in part; repair the database by hand, then delete its \
                 row in the history"
            ),
            _ => "see the cause".to_owned(),
        };
        Self::Migration { path: config.path(), fix, source }
    }
}
