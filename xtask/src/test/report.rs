//! What the suites say about the servers that they met.
//!
//! A test that talks to a server appends one line of JSON to the file that `PURLIN_TEST_REPORT`
//! names: after it has talked to the server, or when it gives up for want of one.
//!
//! ```json
//! {"suite":"quickstart::contract","test":"metrics","server":"promtool","version":"2.42.0","outcome":"met"}
//! {"suite":"purlin-pg::it","test":"begin","server":"postgres","outcome":"skipped","reason":"PURLIN_TEST_POSTGRES is not set"}
//! ```
//!
//! The table is made of these lines, so it shows what was met and not what was hoped for. The file
//! is opened for appending and a line is written at once, as tests run side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Demand;
use crate::servers::Candidate;
use crate::table::Table;

/// Which suite met which server, and which did not.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    lines: Vec<Line>,
    candidates: &'a [Candidate],
    whole: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct Line {
    suite: String,
    /// The test; without it, the whole suite counts as one.
    #[serde(default)]
    test: String,
    server: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(flatten)]
    outcome: Met,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(tag = "outcome", rename_all = "lowercase")]
enum Met {
    Met,
    Skipped { reason: String },
}

// === impl Report ===

impl<'a> Report<'a> {
    /// Reads what the suites wrote.
    ///
    /// # Errors
    ///
    /// When a line is not what the protocol asks for: a report that cannot be read proves nothing.
    pub(crate) fn new(text: &str, candidates: &'a [Candidate], whole: bool) -> Result<Self> {
        let line = |line: &str| {
            serde_json::from_str(line)
                .with_context(|| format!("a suite reported in words of its own: {line}"))
        };
        let lines = text.lines().map(line).collect::<Result<_>>()?;
        Ok(Self { lines, candidates, whole })
    }

    /// How many tests gave up for want of a server; libtest takes them for passed.
    pub(crate) fn skipped_tests(&self) -> usize {
        let skipped = self.lines.iter().filter(|line| line.outcome != Met::Met);
        skipped.map(|line| (&line.suite, &line.test)).collect::<BTreeSet<_>>().len()
    }

    /// What a run that makes demands cannot let pass.
    pub(crate) fn complaints(&self, demand: Demand) -> Vec<String> {
        if demand == Demand::Wish {
            return Vec::new();
        }
        let mut complaints = BTreeSet::new();
        for line in self.lines.iter().filter(|line| self.is_required(&line.server)) {
            if let Met::Skipped { reason } = &line.outcome {
                let Line { suite, server, .. } = line;
                complaints.insert(format!("{suite} needs {server}: {}", self.why(server, reason)));
            }
        }
        for candidate in self.unmet().filter(|_| self.whole) {
            complaints.insert(match &candidate.found {
                Ok(_) => format!("{} was there, and no suite met it", candidate.name),
                Err(_) if !candidate.is_required => continue,
                Err(reason) => format!("{} could not be had: {reason}", candidate.name),
            });
        }
        complaints.into_iter().collect()
    }

    /// The servers that no suite spoke of.
    fn unmet(&self) -> impl Iterator<Item = &Candidate> {
        let unmet =
            |candidate: &&Candidate| self.lines.iter().all(|line| line.server != candidate.name);
        self.candidates.iter().filter(unmet)
    }

    fn candidate(&self, server: &str) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.name == server)
    }

    fn is_required(&self, server: &str) -> bool {
        self.candidate(server).is_none_or(|candidate| candidate.is_required)
    }

    /// Why a server was missing: a suite only knows that it was not told of one.
    fn why<'r>(&'r self, server: &str, reason: &'r str) -> &'r str {
        match self.candidate(server).map(|candidate| &candidate.found) {
            Some(Err(ours)) => ours,
            _ => reason,
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut suites: BTreeMap<_, Vec<&Line>> = BTreeMap::new();
        for line in &self.lines {
            suites.entry((&line.suite, &line.server, &line.outcome)).or_default().push(line);
        }
        let mut table = Table::new(["suite", "server", "version", "found", "outcome"]);
        for ((suite, server, outcome), lines) in suites {
            let found = self.candidate(server).and_then(|candidate| candidate.found.as_ref().ok());
            let told = lines.iter().find_map(|line| line.version.clone());
            let version = told.or_else(|| found.map(|found| found.version.clone()));
            let how = found.map(|found| found.how.clone());
            let outcome = match outcome {
                Met::Met => "met".to_owned(),
                Met::Skipped { reason } => format!("skipped: {}", short(self.why(server, reason))),
            };
            table.row([suite.clone(), server.clone(), or_dash(version), or_dash(how), outcome]);
        }
        let unmet = if self.whole { "met by no suite" } else { "not asked for" };
        for candidate in self.unmet() {
            let (version, how, outcome) = match &candidate.found {
                Ok(found) => (&*found.version, &*found.how, unmet.to_owned()),
                Err(reason) => ("-", "-", format!("not to be had: {}", short(reason))),
            };
            let cells = ["-", candidate.name, version, how, &outcome];
            table.row(cells.map(str::to_owned));
        }
        write!(f, "{table}")
    }
}

fn or_dash(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "-".to_owned())
}

/// The first line, for the table; all of it was shown before the tests ran.
fn short(reason: &str) -> &str {
    reason.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::Found;

    const MET: &str = r#"{"suite":"quickstart::contract","test":"metrics","server":"promtool","version":"2.42.0","outcome":"met"}"#;
    const SKIPPED: &str = r#"{"suite":"quickstart::contract","test":"metrics","server":"promtool","outcome":"skipped","reason":"PURLIN_TEST_PROMTOOL is not set"}"#;

    fn found() -> Vec<Candidate> {
        let found = Found {
            address: "/usr/bin/promtool".into(),
            version: "2.42.0+ds".into(),
            how: "local binary".into(),
        };
        vec![Candidate {
            name: "promtool",
            is_required: true,
            variable: "PURLIN_TEST_PROMTOOL".into(),
            found: Ok(found),
        }]
    }

    fn missing() -> Vec<Candidate> {
        let mut candidates = found();
        candidates[0].found = Err("the mirror is down\nlong story".into());
        candidates
    }

    #[test]
    fn a_server_that_was_met_is_shown_as_the_suite_saw_it() {
        let candidates = found();
        let report = Report::new(&format!("{MET}\n{MET}\n"), &candidates, true).unwrap();
        let shown = report.to_string();
        let row = shown.lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(row, "quickstart::contract promtool 2.42.0 local binary met");
        assert_eq!(shown.lines().count(), 2, "two tests of one suite are one row:\n{shown}");
        assert_eq!(report.skipped_tests(), 0);
        assert!(report.complaints(Demand::Require).is_empty());
    }

    #[test]
    fn a_skip_names_the_reason_that_discovery_knows() {
        let candidates = missing();
        let report = Report::new(SKIPPED, &candidates, true).unwrap();
        assert!(report.to_string().contains("skipped: the mirror is down\n"), "{report}");
        assert_eq!(report.skipped_tests(), 1);
        assert!(report.complaints(Demand::Wish).is_empty());
        let complaints = report.complaints(Demand::Require);
        assert_eq!(
            complaints,
            ["quickstart::contract needs promtool: the mirror is down\nlong story"]
        );
    }

    #[test]
    fn a_server_that_nobody_met_is_a_failure_where_servers_are_required() {
        let candidates = found();
        let report = Report::new("", &candidates, true).unwrap();
        assert!(report.to_string().contains("met by no suite"), "{report}");
        assert!(report.complaints(Demand::Wish).is_empty());
        assert_eq!(report.complaints(Demand::Require), ["promtool was there, and no suite met it"]);
        let candidates = missing();
        let report = Report::new("", &candidates, true).unwrap();
        assert!(report.complaints(Demand::Require)[0].starts_with("promtool could not be had"));
    }

    #[test]
    fn what_not_every_machine_can_have_is_skipped_but_never_left_alone() {
        let mut candidates = missing();
        candidates[0].is_required = false;
        let report = Report::new(SKIPPED, &candidates, true).unwrap();
        assert!(report.to_string().contains("skipped: the mirror is down\n"), "{report}");
        assert_eq!(report.skipped_tests(), 1);
        assert!(report.complaints(Demand::Require).is_empty());
        let report = Report::new("", &candidates, true).unwrap();
        assert!(report.complaints(Demand::Require).is_empty());

        let mut candidates = found();
        candidates[0].is_required = false;
        let report = Report::new("", &candidates, true).unwrap();
        assert_eq!(report.complaints(Demand::Require), ["promtool was there, and no suite met it"]);
    }

    #[test]
    fn a_narrowed_run_may_leave_servers_alone() {
        let candidates = found();
        let report = Report::new("", &candidates, false).unwrap();
        assert!(report.to_string().contains("not asked for"), "{report}");
        assert!(report.complaints(Demand::Require).is_empty());
    }

    #[test]
    fn tests_that_were_skipped_are_counted_once_each() {
        let other = SKIPPED.replace("\"metrics\"", "\"names\"");
        let report = Report::new(&format!("{SKIPPED}\n{SKIPPED}\n{other}"), &[], true).unwrap();
        assert_eq!(report.skipped_tests(), 2);
    }

    #[test]
    fn a_line_in_other_words_is_an_error() {
        for line in
            ["promtool met", &MET.replace("met\"", "maybe\""), &MET.replace("suite", "site")]
        {
            let error = Report::new(line, &[], true).unwrap_err().to_string();
            assert!(error.starts_with("a suite reported in words of its own"), "{error}");
        }
    }
}
