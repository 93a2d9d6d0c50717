use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use purlin_testing::eventually;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The example `traced`, which cargo builds beside this test.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: String,
    lines: Arc<Mutex<Vec<Value>>>,
    reader: Option<JoinHandle<()>>,
    _data: tempfile::TempDir,
}

// === impl Service ===

impl Service {
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let mut path = env::current_exe().unwrap();
        path.pop();
        path.pop();
        path.push("examples/traced");
        let data = tempfile::tempdir().unwrap();
        let mut command = Command::new(&path);
        // Neither the surroundings nor a file nearby may have a say.
        command.env_clear().current_dir(data.path()).envs(variables.iter().copied());
        command.args(["--profile", "prod", "--set", "lifecycle.drain_delay=0s"]);
        command.args(["--set", "http.listen=127.0.0.1:0"]);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap_or_else(|error| {
                panic!("{}: {error}; `cargo build --examples` builds it", path.display())
            });
        let lines = Arc::<Mutex<Vec<Value>>>::default();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let seen = lines.clone();
        let reader = std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                seen.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        let mut service =
            Self { child, address: String::new(), lines, reader: Some(reader), _data: data };
        eventually(async || service.line("ready").is_some()).await;
        let listening = service.line("listening").expect("it listens before it is ready");
        service.address = listening["address"].as_str().unwrap().to_owned();
        service
    }

    pub(crate) fn line(&self, message: &str) -> Option<Value> {
        let lines = self.lines.lock().unwrap();
        lines.iter().find(|line| line["message"] == message).cloned()
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let url = format!("http://{}{path}", self.address);
        let client = reqwest::Client::new();
        let mut request = client.request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().text().await.unwrap()
    }

    /// Ends it as an orchestrator does; returns what it wrote to stderr, and all lines.
    pub(crate) fn stop(mut self) -> (ExitStatus, String, Vec<Value>) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).unwrap();
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
        let status = self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        let lines = std::mem::take(&mut *self.lines.lock().unwrap());
        (status, said, lines)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
