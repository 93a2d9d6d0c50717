//! Where a value comes from.

use std::{fmt, ops::Range, path::PathBuf, sync::Arc};

/// Where a value comes from, as it is shown: `app.yaml:12:3`, `env DB_PORT`, `default`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The default of the field.
    Default,
    /// A YAML file.
    File(Place),
    /// A line of `.env`.
    DotEnv {
        /// The variable.
        name: String,
        /// The line.
        place: Place,
    },
    /// A variable of the environment.
    Variable(String),
    /// `--set` on the command line.
    Flag,
    /// `.set(key, value)` in code.
    Code,
}

/// A place in a [`Source`].
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    source: Arc<Source>,
    line: usize,
    column: usize,
    range: Range<usize>,
}

/// A file as it was read. Its text may hold secrets, so `Debug` shows the name only.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    path: PathBuf,
    text: String,
}

// === impl Origin ===

impl Origin {
    /// The place in a file, where there is one.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::File(place) | Self::DotEnv { place, .. } => Some(place),
            _ => None,
        }
    }

    /// The variable, where it is one.
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::DotEnv { name, .. } | Self::Variable(name) => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(place) => place.fmt(f),
            Self::DotEnv { name, place } => {
                write!(f, "{}:{} {name}", place.source.name, place.line)
            }
            Self::Variable(name) => write!(f, "env {name}"),
            Self::Flag => f.write_str("--set"),
            Self::Code => f.write_str(".set(..)"),
        }
    }
}

// === impl Place ===

impl Place {
    pub(super) fn new(
        source: &Arc<Source>,
        line: usize,
        column: usize,
        range: Range<usize>,
    ) -> Self {
        Self { source: source.clone(), line, column, range }
    }

    /// The file.
    pub fn source(&self) -> &Source {
        &self.source
    }

    pub(super) fn shared(&self) -> Arc<Source> {
        self.source.clone()
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The bytes of the source that the value takes up.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name, self.line, self.column)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// === impl Source ===

impl Source {
    pub(super) fn new(name: impl Into<String>, path: PathBuf, text: String) -> Arc<Self> {
        Arc::new(Self { name: name.into(), path, text })
    }

    /// The name as it is shown: the path relative to the base directory.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path that was opened.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A line, and the offset of its first byte.
    pub(super) fn line(&self, number: usize) -> Option<(usize, &str)> {
        let mut offset = 0;
        for (index, line) in self.text.split_inclusive('\n').enumerate() {
            if index + 1 == number {
                return Some((offset, line.trim_end_matches(['\n', '\r'])));
            }
            offset += line.len();
        }
        None
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.name).finish()
    }
}
