use std::{path::PathBuf, process::Stdio, time::Duration};

use purlin::clock::Clock;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
};

/// The fixture `rolling`, as a child process that never outlives its test.
pub(crate) struct Service {
    pub(crate) address: String,
    child: Child,
}

const SETTINGS: [&str; 3] =
    ["http.reuse_port=true", "lifecycle.drain_delay=100ms", "http.drain=5s"];

// === impl Service ===

impl Service {
    /// Starts one that listens at `address`, and waits until it is ready.
    pub(crate) async fn start(address: &str, settings: &[&str]) -> Self {
        let listen = format!("http.listen={address}");
        let settings = SETTINGS.iter().chain(settings).copied().chain([listen.as_str()]);
        let mut child = Command::new(fixture())
            .args(settings.flat_map(|setting| ["--set", setting]))
            .env_clear()
            // In a release build too it is to say how it stops.
            .env("PURLIN_PROFILE", "dev")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the fixture is built with the tests");
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let address = line(&mut lines).await;
        let address = address.strip_prefix("listening ").expect(&address).to_owned();
        assert_eq!(line(&mut lines).await, "ready");
        Self { address, child }
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).expect("it runs");
    }

    /// A request that came later has been answered, so those before it have been read.
    pub(crate) async fn is_asked_for_something(&mut self) {
        let mut tcp = TcpStream::connect(&self.address).await.unwrap();
        tcp.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        within(tcp.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.ends_with("hello"), "{answer}");
    }

    /// Waits for the end; the exit code, and what was reported.
    pub(crate) async fn end(mut self) -> (i32, String) {
        let mut report = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        within(stderr.read_to_string(&mut report)).await.unwrap();
        let status = within(self.child.wait()).await.unwrap();
        (status.code().expect("it exits by itself"), report)
    }
}

async fn line(lines: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    within(lines.read_line(&mut line)).await.unwrap();
    line.trim_end().to_owned()
}

async fn within<F: Future>(future: F) -> F::Output {
    Clock::system().timeout(Duration::from_secs(30), future).await.expect("it ends in time")
}

/// Examples lie beside the directory of the test binaries.
fn fixture() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let target = test.ancestors().nth(2).expect("target/<profile>/deps/<test>");
    target.join("examples").join("rolling")
}
