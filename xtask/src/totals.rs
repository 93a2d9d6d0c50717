//! How many tests passed, summed over every test binary that ran.

use std::fmt;
use std::ops::AddAssign;

/// The sum of libtest's `test result:` lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

// === impl Totals ===

impl Totals {
    /// Adds what a line says, if it is the last line of a test binary.
    pub(crate) fn read(&mut self, line: &str) {
        // A test that prints without an end of line may stand before libtest's own words.
        let Some((_, counts)) = line.split_once("test result: ") else { return };
        for part in counts.split([';', '.']) {
            if let Some((number, what)) = part.trim().split_once(' ')
                && let Ok(number) = number.parse::<usize>()
            {
                match what {
                    "passed" => self.passed += number,
                    "failed" => self.failed += number,
                    "ignored" => self.skipped += number,
                    _ => {}
                }
            }
        }
    }

    /// Counts tests as skipped that libtest took for passed, because they returned early.
    pub(crate) fn skipped_after_all(&mut self, tests: usize) {
        let tests = tests.min(self.passed);
        self.passed -= tests;
        self.skipped += tests;
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(output: &str) -> Totals {
        let mut totals = Totals::default();
        output.lines().for_each(|line| totals.read(line));
        totals
    }

    #[test]
    fn every_binary_counts() {
        let totals = read(
            "running 3 tests\n\
             test a ... ok\n\
             test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.05s\n\
             \n\
             test result: FAILED. 10 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 12.00s",
        );
        assert_eq!(totals, Totals { passed: 12, failed: 1, skipped: 1 });
        assert_eq!(totals.to_string(), "12 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn other_lines_do_not() {
        let totals = read("all 12 passed\ntest result of yesterday: 5 passed; 0 failed");
        assert_eq!(totals, Totals::default());
    }

    #[test]
    fn a_test_that_met_no_server_did_not_pass() {
        let mut totals = Totals { passed: 3, failed: 1, skipped: 0 };
        totals.skipped_after_all(2);
        assert_eq!(totals, Totals { passed: 1, failed: 1, skipped: 2 });
        totals.skipped_after_all(5);
        assert_eq!(totals, Totals { passed: 0, failed: 1, skipped: 3 });
    }
}
