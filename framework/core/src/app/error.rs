use std::fmt;

use crate::{config::Problem, exit::Exit, graph::WiringProblem};

/// Everything that keeps an application from being started, and what else is to be known.
///
/// Both its `Display` and its `Debug` print the whole report, so that `unwrap()` in a test shows it.
pub struct BuildError {
    problems: Vec<BuildProblem>,
    warnings: Vec<String>,
}

pub(crate) enum BuildProblem {
    Wiring(WiringProblem),
    Config(Problem),
    Other { what: String, fix: String },
}

/// Why [`start`](crate::app::AppBuilder::start) did not start.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The application does not build; nothing was started.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Something failed to start; what had been started was undone.
    #[error("{cause}; what had been started was undone · {exit}")]
    Failed {
        /// All that failed, why, and after which time.
        cause: String,
        /// The exit code that the process would have had.
        exit: Exit,
    },
}

// === impl BuildError ===

impl BuildError {
    pub(crate) fn new(problems: Vec<BuildProblem>, warnings: Vec<String>) -> Self {
        Self { problems, warnings }
    }

    /// How many problems there are.
    pub fn len(&self) -> usize {
        self.problems.len()
    }

    /// Whether there are none; there is always at least one.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// What works and is probably not meant: it may be the cause of what does not work.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        writeln!(f, "{count} {noun}; nothing was started")?;
        for problem in &self.problems {
            writeln!(f)?;
            for line in problem.to_string().lines() {
                writeln!(f, "  {line}")?;
            }
        }
        if !self.warnings.is_empty() {
            writeln!(f)?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "  ! {warning}"))
    }
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for BuildError {}

// === impl BuildProblem ===

impl fmt::Display for BuildProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wiring(problem) => problem.fmt(f),
            Self::Config(problem) => problem.fmt(f),
            Self::Other { what, fix } => write!(f, "{what}\n  fix        {fix}"),
        }
    }
}

impl From<WiringProblem> for BuildProblem {
    fn from(problem: WiringProblem) -> Self {
        Self::Wiring(problem)
    }
}

impl From<Problem> for BuildProblem {
    fn from(problem: Problem) -> Self {
        Self::Config(problem)
    }
}

// === impl StartError ===

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
