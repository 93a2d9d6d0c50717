#![expect(clippy::unwrap_used, reason = "a fixture of tests fails by panicking")]

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use purlin::testing::Client;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    task::JoinHandle,
};

/// The built binary in a directory of its own, on free ports. It never outlives its test.
pub(crate) struct Quickstart {
    child: tokio::process::Child,
    http: SocketAddr,
    admin: SocketAddr,
    report: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
    directory: TempDir,
}

pub(crate) fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    command.current_dir(directory).env_clear();
    command
}

/// Runs the binary to its end: exit code, and all that it printed.
pub(crate) fn run(args: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let directory = tempfile::tempdir().unwrap();
    let free = ["--set", "admin.listen=127.0.0.1:0"];
    let output = command(directory.path())
        .args(args)
        .args(free)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

impl Quickstart {
    /// Starts the service and waits until it is ready.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts the service with variables.
    pub(crate) async fn start_with(variables: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), variables).await
    }

    /// Starts it again on the same data.
    pub(crate) async fn restart(mut self) -> Self {
        self.child.wait().await.unwrap();
        Self::start_in(self.directory, &[]).await
    }

    async fn start_in(directory: TempDir, variables: &[(&str, &str)]) -> Self {
        let mut command = command(directory.path());
        command.envs(variables.iter().copied());
        let mut child = tokio::process::Command::from(command)
            .args(["--set", "http.listen=127.0.0.1:0", "--set", "admin.listen=127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut text = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            let ready = line.starts_with("ready in");
            text.push_str(&line);
            text.push('\n');
            if ready {
                break;
            }
        }
        let (http, admin) = (address(&text, "http"), address(&text, "admin"));
        let report = Arc::new(Mutex::new(text));
        let all = report.clone();
        let reader = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut all = all.lock().unwrap();
                all.push_str(&line);
                all.push('\n');
            }
        });
        Self { child, http, admin, report, reader, directory }
    }

    pub(crate) fn http(&self) -> Client {
        Client::new(self.http)
    }

    pub(crate) fn admin(&self) -> Client {
        Client::new(self.admin)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.child.id().expect("it runs");
        let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for the end: exit code, and the report from start to stop.
    pub(crate) async fn end(mut self) -> (i32, String) {
        let status = self.child.wait().await.unwrap();
        self.reader.await.unwrap();
        let report = self.report.lock().unwrap().clone();
        (status.code().unwrap(), report)
    }
}

/// The address on the line of a module in the start report.
pub(crate) fn address(report: &str, module: &str) -> SocketAddr {
    let line = report.lines().find(|line| line.trim_start().starts_with(module));
    let line = line.unwrap_or_else(|| panic!("no line of {module} in:\n{report}"));
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address");
    url.trim_start_matches("http://").parse().expect("an address")
}
