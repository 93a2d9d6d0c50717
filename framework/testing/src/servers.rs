//! Real servers and tools: whether a test can have one, and what it tells of it.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::Serialize;

/// A real server, or a tool, that tests talk to.
///
/// `cargo xtask test` looks for each and names it in `PURLIN_TEST_<SERVER>`. Its table of what was
/// met is made of what the tests tell through this. Of a server that not every machine can have it
/// says in `PURLIN_TEST_<SERVER>_MISSING` why there is none.
#[derive(Debug)]
#[must_use = "tell with `met` that it was talked to"]
pub struct Server {
    name: String,
    address: String,
    suite: Suite,
}

/// Who reports, and to which file.
#[derive(Debug, Clone)]
struct Suite {
    name: String,
    test: String,
    report: Option<PathBuf>,
}

/// One line of the report.
#[derive(Serialize)]
struct Line<'a> {
    suite: &'a str,
    test: &'a str,
    server: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// The server of this name, or `None` on a machine that has none; then the test is reported as
/// skipped.
///
/// ```no_run
/// # use std::process::Command;
/// #[test]
/// fn the_metrics_are_sound() {
///     let Some(promtool) = purlin_testing::server("promtool") else { return };
///     let checked = Command::new(promtool.address()).args(["check", "metrics"]).status().unwrap();
///     assert!(checked.success());
///     promtool.met("2.42.0");
/// }
/// ```
///
/// # Panics
/// When there is none although `PURLIN_TEST_SERVERS=require`, unless it is known why, and when the report cannot be written.
pub fn server(name: &str) -> Option<Server> {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    find(name, test, variable)
}

#[expect(clippy::disallowed_methods, reason = "tests are told of their servers by variables")]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

fn find(name: &str, test: String, variable: impl Fn(&str) -> Option<String>) -> Option<Server> {
    let suite = Suite {
        name: suite(variable("CARGO_PKG_NAME"), env::current_exe().ok()),
        test,
        report: variable("PURLIN_TEST_REPORT").map(PathBuf::from),
    };
    let key = format!("PURLIN_TEST_{}", name.to_uppercase().replace('-', "_"));
    if let Some(address) = variable(&key) {
        return Some(Server { name: name.to_owned(), address, suite });
    }
    let missing = variable(&format!("{key}_MISSING"));
    let required =
        missing.is_none() && variable("PURLIN_TEST_SERVERS").as_deref() == Some("require");
    let reason = missing.unwrap_or_else(|| format!("{key} is not set"));
    suite.write(name, "skipped", None, Some(&reason));
    assert!(!required, "{} needs {name}, and {reason}: run it with `cargo xtask test`", suite.test);
    None
}

/// `purlin-pg::it`, of a package and its test binary `it-0123456789abcdef`.
fn suite(package: Option<String>, executable: Option<PathBuf>) -> String {
    let stem =
        executable.as_deref().and_then(Path::file_stem).unwrap_or_default().to_string_lossy();
    let binary = stem.rsplit_once('-').map_or(&*stem, |(binary, _)| binary);
    match package {
        Some(package) => format!("{package}::{binary}"),
        None => binary.to_owned(),
    }
}

// === impl Server ===

impl Server {
    /// The address of a server, the path of a tool.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Reports that the test has talked to it, and which version it told.
    ///
    /// # Panics
    /// When the report cannot be written.
    pub fn met(self, version: &str) {
        self.suite.write(&self.name, "met", Some(version), None);
    }
}

// === impl Suite ===

impl Suite {
    fn write(
        &self,
        server: &str,
        outcome: &'static str,
        version: Option<&str>,
        reason: Option<&str>,
    ) {
        let Some(report) = &self.report else { return };
        let line = Line { suite: &self.name, test: &self.test, server, version, outcome, reason };
        let line = serde_json::to_string(&line).expect("texts can be written as JSON") + "\n";
        // At once, since tests of several processes append to the same file.
        let file = fs::OpenOptions::new().append(true).open(report);
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        written.unwrap_or_else(|error| panic!("could not add to {}: {error}", report.display()));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::{Value, json};

    use super::*;

    fn told(variables: &[(&str, &str)], act: impl FnOnce(Option<Server>)) -> Vec<Value> {
        let report = tempfile::NamedTempFile::new().unwrap();
        let mut all: HashMap<_, _> =
            variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        all.insert("PURLIN_TEST_REPORT".into(), report.path().display().to_string());
        all.insert("CARGO_PKG_NAME".into(), "purlin-pg".into());
        act(find("post-gres", "begin".to_owned(), |name| all.get(name).cloned()));
        let text = fs::read_to_string(report.path()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_server_is_reported_once_it_was_met() {
        let variables = [("PURLIN_TEST_POST_GRES", "127.0.0.1:5432")];
        assert_eq!(told(&variables, |server| drop(server.unwrap())), [] as [Value; 0]);
        let lines = told(&variables, |server| {
            let server = server.unwrap();
            assert_eq!(server.address(), "127.0.0.1:5432");
            server.met("17.2");
        });
        assert_eq!(lines.len(), 1);
        let mut line = lines[0].clone();
        let suite = line.as_object_mut().unwrap().remove("suite").unwrap();
        assert!(suite.as_str().unwrap().starts_with("purlin-pg::"), "{suite}");
        let met =
            json!({ "test": "begin", "server": "post-gres", "version": "17.2", "outcome": "met" });
        assert_eq!(line, met);
    }

    #[test]
    fn a_test_without_its_server_says_why_it_was_skipped() {
        let lines = told(&[], |server| assert!(server.is_none()));
        assert_eq!(lines[0]["outcome"], "skipped");
        assert_eq!(lines[0]["reason"], "PURLIN_TEST_POST_GRES is not set");
    }

    #[test]
    #[should_panic(expected = "begin needs post-gres, and PURLIN_TEST_POST_GRES is not set")]
    fn a_test_without_its_server_fails_where_servers_are_required() {
        told(&[("PURLIN_TEST_SERVERS", "require")], drop);
    }

    #[test]
    fn a_server_that_not_every_machine_can_have_is_missing_for_a_reason() {
        let lines = told(
            &[("PURLIN_TEST_SERVERS", "require"), ("PURLIN_TEST_POST_GRES_MISSING", "no mirror")],
            |server| assert!(server.is_none()),
        );
        assert_eq!(
            (&lines[0]["outcome"], &lines[0]["reason"]),
            (&"skipped".into(), &"no mirror".into())
        );
    }

    #[test]
    fn a_suite_is_a_package_and_a_binary() {
        let binary = Some(PathBuf::from("/target/debug/deps/it-0f1e2d3c4b5a6978"));
        assert_eq!(suite(Some("purlin-pg".into()), binary.clone()), "purlin-pg::it");
        assert_eq!(suite(None, binary), "it");
    }
}
