//! Instructions and allocations of a request: they repeat, on whatever machine.
//!
//! A contestant is run below callgrind twice, once for N requests and once for 2N. The difference
//! is that of N requests, without start and stop.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tokio::runtime::Runtime;

use crate::cores::Cores;
use crate::load::{Work, one_by_one};
use crate::served::Contestant;

/// What one request costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    pub(crate) instructions: f64,
    pub(crate) allocations: f64,
}

/// How to count.
pub(crate) struct Counter<'a> {
    pub(crate) valgrind: PathBuf,
    pub(crate) cores: &'a Cores,
    pub(crate) runtime: &'a Runtime,
    pub(crate) requests: u64,
}

/// All that happened in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Totals {
    instructions: u64,
    allocations: u64,
}

// === impl Cost ===

impl Cost {
    /// `+0.8 % +0.0`: how many more instructions, in percent, and allocations.
    pub(crate) fn over(&self, other: &Self) -> String {
        let more = (self.instructions / other.instructions - 1.0) * 100.0;
        format!("{more:+.1} % {:+.2}", self.allocations - other.allocations)
    }

    /// The lower of both, in each respect.
    pub(crate) fn lower(self, other: Self) -> Self {
        Self {
            instructions: self.instructions.min(other.instructions),
            allocations: self.allocations.min(other.allocations),
        }
    }

    /// Whether it is above a budget.
    pub(crate) fn exceeds(&self, budget: &Self) -> bool {
        self.instructions > budget.instructions || self.allocations > budget.allocations
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} instructions, {:.2} allocations", self.instructions, self.allocations)
    }
}

// === impl Counter ===

impl Counter<'_> {
    /// Counts for requests one after the other, `per_connection` on each connection.
    pub(crate) fn count(
        &self,
        contestant: &Contestant,
        work: Work,
        per_connection: u64,
    ) -> Result<Cost> {
        let few = self.run(contestant, work, self.requests, per_connection)?;
        let many = self.run(contestant, work, 2 * self.requests, per_connection)?;
        let each = |few: u64, many: u64| (many as f64 - few as f64) / self.requests as f64;
        Ok(Cost {
            instructions: each(few.instructions, many.instructions),
            allocations: each(few.allocations, many.allocations),
        })
    }

    fn run(
        &self,
        contestant: &Contestant,
        work: Work,
        requests: u64,
        per_connection: u64,
    ) -> Result<Totals> {
        let directory = tempfile::tempdir().context("could not create a directory to count in")?;
        let file = directory.path().join("counted");
        let mut valgrind = Command::new(&self.valgrind);
        valgrind.args(["--tool=callgrind", "--compress-strings=no"]);
        valgrind.arg(format!("--callgrind-out-file={}", file.display()));
        let served = contestant.start(Some(valgrind), directory.path(), self.cores)?;
        let load = one_by_one(served.address, work, requests, per_connection);
        self.runtime.block_on(load).with_context(|| contestant.name.clone())?;
        served.stop()?;
        totals(&file)
    }
}

/// Reads what callgrind wrote.
fn totals(file: &Path) -> Result<Totals> {
    let read = || fs::read_to_string(file);
    let text = read().with_context(|| format!("could not read {}", file.display()))?;
    parsed(&text).with_context(|| format!("callgrind wrote no total into {}", file.display()))
}

/// The total, and the calls into the allocator: each `calls=` line belongs to the `cfn=` before it.
fn parsed(text: &str) -> Option<Totals> {
    let allocators = HashSet::from(["malloc", "calloc", "realloc", "posix_memalign"]);
    let mut totals = Totals::default();
    let mut called = "";
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("cfn=") {
            called = name;
        } else if let Some(calls) = line.strip_prefix("calls=")
            && allocators.contains(called)
        {
            totals.allocations += calls.split(' ').next()?.parse::<u64>().ok()?;
        } else if let Some(total) = line.strip_prefix("totals:") {
            totals.instructions = total.trim().parse().ok()?;
        }
    }
    (totals.instructions > 0).then_some(totals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_the_allocator_are_counted() {
        let text = "fn=main\n1 5\ncfn=malloc\ncalls=3 0\n1 30\ncfn=free\ncalls=2 0\n1 20\n\
                    cfn=realloc\ncalls=1 0\n1 9\ntotals: 64\n";
        assert_eq!(parsed(text), Some(Totals { instructions: 64, allocations: 4 }));
        assert_eq!(parsed("fn=main\n1 5\n"), None, "a file without its end is none");
    }
}
