use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// The fixture `phases`, as a child process that never outlives its test.
pub(crate) struct Phases {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Phases {
    /// Starts the fixture, which stays in `phase`.
    pub(crate) fn start(phase: &str, settings: &[&str]) -> Self {
        let sets: Vec<_> = settings.iter().flat_map(|set| ["--set", set]).collect();
        Self::start_with(phase, &sets)
    }

    pub(crate) fn start_with(phase: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(example("phases"))
            .args(arguments)
            .env_clear()
            .env("PHASE", phase)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the fixture is built with the tests");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, lines }
    }

    /// Waits for an announcement.
    pub(crate) fn wait_for(&mut self, phase: &str) {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.lines.read_line(&mut line).expect("standard output can be read");
            assert!(read > 0, "it ended before `{phase}`: {}", self.stderr());
            if line.trim_end() == phase {
                return;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("it runs");
    }

    /// Waits for the end; the exit code, and what was reported.
    pub(crate) fn end(mut self) -> (i32, String) {
        let report = self.stderr();
        let status: ExitStatus = self.child.wait().expect("it ends");
        (status.code().expect("it exits by itself"), report)
    }

    fn stderr(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut text).expect("the report is text");
        }
        text
    }
}

impl Drop for Phases {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Examples lie beside the directory of the test binaries.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let target =
        test.parent().and_then(std::path::Path::parent).expect("tests lie in target/*/deps");
    target.join("examples").join(name)
}
