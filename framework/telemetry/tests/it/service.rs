use std::time::Duration;

use purlin_core::clock::Clock;
use purlin_testing::{Ended, Process, Program, Signal};
use serde_json::Value;

use crate::example;

/// The example `traced` as a process.
pub(crate) struct Service(Process);

/// How a service ended.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) code: Option<i32>,
    /// What was written: the lines of the log, and the reports of start and stop.
    pub(crate) output: String,
    /// The lines of the log.
    pub(crate) lines: Vec<Value>,
    /// The time from the signal to the end of the process.
    pub(crate) took: Duration,
}

// === impl Service ===

impl Service {
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        // Nobody listens there.
        let program = Program::new(example("traced")).env("HTTP_CLIENT_URL", "http://127.0.0.1:9");
        let program = program.arg("--profile").arg("staging");
        let program = program.set("lifecycle.drain_delay", "0s").set("http.listen", "127.0.0.1:0");
        let with = |program: Program, (name, value): &(&str, &str)| program.env(name, value);
        Self(variables.iter().fold(program, with).start().await)
    }

    /// Where a server of it listens.
    pub(crate) fn address(&self, server: &str) -> String {
        self.0.address(server).to_string()
    }

    pub(crate) fn line(&self, message: &str) -> Option<Value> {
        lines(&self.0.output()).find(|line| line["message"] == message)
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let request = self.0.http().request(method.parse().unwrap(), path);
        let with = |request: purlin_testing::Request, (name, value): &(&str, &str)| {
            request.header(name, value)
        };
        headers.iter().fold(request, with).await.text()
    }

    pub(crate) async fn metrics(&self) -> String {
        self.0.admin().get("/metrics").await.expect(200).text()
    }

    /// Ends it as an orchestrator does.
    pub(crate) async fn stop(self) -> Stopped {
        let clock = Clock::system();
        let since = clock.now();
        self.0.signal(Signal::Terminate);
        let Ended { code, output } = self.0.ended().await;
        let lines = lines(&output).collect();
        Stopped { code, output, lines, took: clock.now() - since }
    }
}

fn lines(output: &str) -> impl Iterator<Item = Value> {
    output.lines().filter_map(|line| serde_json::from_str(line).ok())
}
