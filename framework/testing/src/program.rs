use std::{
    ffi::{OsStr, OsString},
    future::Future,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use purlin_core::clock::Clock;
use rustix::process::{Pid, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    sync::Notify,
    task::JoinSet,
};

use crate::Client;

/// The built binary of a service, to be run as a process of its own: for what is true only of a
/// process, such as signals, exit codes and a kill.
///
/// ```no_run
/// use purlin_testing::{Program, Signal};
///
/// # async fn example() {
/// let orders = Program::new("target/debug/orders").set("http.listen", "127.0.0.1:0");   // env!("CARGO_BIN_EXE_orders")
/// let service = orders.start().await;
/// service.http().get("/orders").await.expect(200);
/// service.signal(Signal::Terminate);
/// let ended = service.ended().await;
/// assert_eq!(ended.code, Some(0), "{}", ended.output);
/// # }
/// ```
/// It runs in a throw-away directory, which its clones share: what is started again finds the data
/// of the one before. Of the variables of this machine it sees none. The admin server gets a free
/// port; other servers get one by [`set`](Self::set).
///
/// # Lifecycle
/// Whatever is waited for has 60 s, or what [`within`](Self::within) says. A process is killed when
/// its [`Process`] is dropped, as it is by a test that panics; a test that is itself killed leaves it
/// behind.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    args: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    directory: Arc<TempDir>,
    patience: Duration,
}

/// A service that runs as a process of its own; from [`Program::start`].
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    output: Arc<Output>,
    readers: JoinSet<()>,
    patience: Duration,
    /// It stays for as long as the process does, whatever becomes of the program.
    _directory: Arc<TempDir>,
}

/// How a process ended.
#[derive(Debug, Clone)]
#[must_use = "it says whether all went well"]
pub struct Ended {
    /// The exit code; `None` where a signal killed it.
    pub code: Option<i32>,
    /// What it has written to stdout and stderr.
    pub output: String,
}

/// What a process is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// `SIGTERM`: the service is to stop.
    Terminate,
    /// `SIGINT`, as by Ctrl-C.
    Interrupt,
    /// `SIGQUIT`.
    Quit,
    /// `SIGKILL`: the process is gone, as in a crash.
    Kill,
}

/// What a process has said so far.
#[derive(Debug, Default)]
struct Output {
    text: Mutex<String>,
    more: Notify,
}

const PATIENCE: Duration = Duration::from_secs(60);

/// What the last line of a start report begins with.
const READY: &str = "ready in ";

// === impl Program ===

impl Program {
    /// The binary at `path`: `env!("CARGO_BIN_EXE_orders")` in an integration test.
    ///
    /// # Panics
    /// When this machine gives no directory.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // It may be relative to the directory of the test, and runs in its own.
        let path = path.canonicalize().unwrap_or(path);
        let directory = TempDir::new().expect("a throw-away directory can be made");
        let (args, variables) = (Vec::new(), Vec::new());
        let program =
            Self { path, args, variables, directory: Arc::new(directory), patience: PATIENCE };
        program.set("admin.listen", "127.0.0.1:0")
    }

    /// Sets a key of the configuration, by `--set`.
    #[must_use]
    pub fn set(self, key: &str, value: impl std::fmt::Display) -> Self {
        self.arg("--set").arg(format!("{key}={value}"))
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// How long each step may take: until it is ready, and from a signal to its end.
    #[must_use]
    pub fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The directory that it runs in, for its `app.yaml` and its data.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The command as it would be run, for what is not offered here.
    pub fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.path);
        command.current_dir(self.directory()).args(&self.args);
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts it, and waits until it is ready: until the last line of its start report, or until the
    /// log says so, which is all that there is in the profile `prod`.
    ///
    /// # Panics
    /// With what it has said, when it ends instead or is not ready in time.
    pub async fn start(&self) -> Process {
        let mut process = self.spawn(&[]);
        let output = process.output.clone();
        let ready = async {
            tokio::select! {
                biased;
                () = output.has(|text| text.lines().any(is_ready)) => None,
                ended = process.exit() => Some(ended),
            }
        };
        let Some(ended) = within(self.patience, ready).await else {
            panic!(
                "{} is not ready within {:?}; it said:\n{}",
                process.name,
                self.patience,
                output.text()
            )
        };
        if let Some(Ended { code, output }) = ended {
            panic!(
                "{} ended with {} before it was ready; it said:\n{output}",
                process.name,
                shown(code)
            );
        }
        process
    }

    /// Runs it to its end, with further arguments, such as a verb. It blocks, for tests without a
    /// runtime too.
    ///
    /// ```no_run
    /// # use purlin_testing::Program;
    /// let checked = Program::new("target/debug/orders").run(&["check", "--strict"]);
    /// assert_eq!(checked.code, Some(0), "{}", checked.output);
    /// ```
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn run(&self, args: &[&str]) -> Ended {
        // A runtime cannot be blocked on inside of another.
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime can be built");
            runtime.block_on(async { self.spawn(args).ended().await })
        };
        let ended = std::thread::scope(|scope| scope.spawn(run).join());
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn spawn(&self, args: &[&str]) -> Process {
        let mut command = Command::from(self.command());
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.kill_on_drop(true).spawn();
        let mut child =
            child.unwrap_or_else(|error| panic!("{} cannot be run: {error}", self.path.display()));
        let (output, mut readers) = (Arc::<Output>::default(), JoinSet::new());
        readers.spawn(read(child.stdout.take().expect("it is piped"), output.clone()));
        readers.spawn(read(child.stderr.take().expect("it is piped"), output.clone()));
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (patience, _directory) = (self.patience, self.directory.clone());
        Process { child, name, output, readers, patience, _directory }
    }
}

// === impl Process ===

impl Process {
    /// A client of the HTTP server.
    ///
    /// # Panics
    /// When neither its start report nor its log names one.
    pub fn http(&self) -> Client {
        self.client("http")
    }

    /// A client of the admin server.
    ///
    /// # Panics
    /// When neither its start report nor its log names one.
    pub fn admin(&self) -> Client {
        self.client("admin")
    }

    /// A client of whatever a module listens on, without TLS.
    ///
    /// # Panics
    /// When neither its start report nor its log names one.
    pub fn client(&self, module: &str) -> Client {
        Client::new(self.address(module))
    }

    /// Where a module listens.
    ///
    /// # Panics
    /// When neither its start report nor its log names one.
    pub fn address(&self, module: &str) -> SocketAddr {
        let output = self.output();
        let line = output.lines().find(|line| line.split_whitespace().next() == Some(module));
        let urls = line.into_iter().flat_map(str::split_whitespace);
        let reported = urls.filter_map(|word| word.split_once("://")?.1.parse().ok());
        let log = output.lines().filter_map(record).filter(|record| record["module"] == module);
        let logged = log.filter_map(|record| record["address"].as_str()?.parse().ok());
        let mut addresses = reported.chain(logged);
        addresses.next().unwrap_or_else(|| panic!("no address of `{module}` in:\n{output}"))
    }

    /// What it has written to stdout and stderr so far.
    pub fn output(&self) -> String {
        self.output.text()
    }

    /// The id of the process.
    ///
    /// # Panics
    /// When it has been waited for already.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the process has been waited for already.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
        let signal = match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Interrupt => rustix::process::Signal::INT,
            Signal::Quit => rustix::process::Signal::QUIT,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        kill_process(pid.expect("it is a number of a process"), signal)
            .expect("a child takes signals until it has been waited for");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// With what it has said, when it does not end in time.
    pub async fn ended(mut self) -> Ended {
        let (patience, output) = (self.patience, self.output.clone());
        let ended = within(patience, self.exit()).await;
        ended.unwrap_or_else(|| {
            panic!("{} did not end within {patience:?}; it said:\n{}", self.name, output.text())
        })
    }

    async fn exit(&mut self) -> Ended {
        let status = self.child.wait().await.expect("a child can be waited for");
        while self.readers.join_next().await.is_some() {}
        Ended { code: ExitStatus::code(&status), output: self.output() }
    }
}

// === impl Output ===

impl Output {
    fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, line: &str) {
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(line);
        text.push('\n');
        self.more.notify_one();
    }

    async fn has(&self, holds: impl Fn(&str) -> bool) {
        while !holds(&self.text()) {
            self.more.notified().await;
        }
    }
}

async fn read(pipe: impl AsyncRead + Unpin, output: Arc<Output>) {
    let mut lines = BufReader::new(pipe).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        output.push(&line);
    }
}

/// Whether this is the line of a report, or of a log, by which a service says that it is ready.
fn is_ready(line: &str) -> bool {
    line.starts_with(READY) || record(line).is_some_and(|record| record["message"] == "ready")
}

/// A line of a log in JSON.
fn record(line: &str) -> Option<Value> {
    line.starts_with('{').then(|| serde_json::from_str(line).ok()).flatten()
}

async fn within<F: Future>(patience: Duration, future: F) -> Option<F::Output> {
    Clock::system().timeout(patience, future).await.ok()
}

fn shown(code: Option<i32>) -> String {
    code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"))
}
