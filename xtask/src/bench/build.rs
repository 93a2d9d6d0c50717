//! Builds: clean, after an edit, and from an edit to the first answer.
//!
//! Processor time says more than the clock: other work on the machine moves it less.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::param::clock_ticks_per_second;

use super::Bench;

/// How often a service is edited.
const EDITS: usize = 5;

/// After which an answer is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at a service that starts.
const POLL: Duration = Duration::from_millis(1);

/// A service of one file, copied to where it may be edited.
struct Service<'a> {
    bench: &'a Bench<'a>,
    name: &'static str,
    /// Its own directory, its arguments, and where it is built.
    directory: PathBuf,
    arguments: &'static [&'static str],
    target: PathBuf,
}

/// What a build took.
#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    cpu: Duration,
}

// === impl Bench ===

impl Bench<'_> {
    pub(super) fn builds(&mut self) -> Result<()> {
        let cache = self.workspace.cache("bench");
        fs::create_dir_all(&cache).context("could not create a directory to build in")?;
        let work = tempfile::tempdir_in(&cache).context("could not create a directory")?;
        let mut lines = Vec::new();
        let listen = &["--set", "http.listen={addr}", "--set", "admin.listen=127.0.0.1:0"];
        let by_hand = Service::new(self, "by-hand", &[], work.path())?;
        let minimal = Service::new(self, "minimal", listen, work.path())?;
        let mut clean = Vec::new();
        for service in [&by_hand, &minimal] {
            let took = service.build()?;
            lines.push(format!("{:12} clean build          {took}", service.name));
            clean.push(took);
            let mut edits = Vec::new();
            let mut answers = Vec::new();
            for edit in 0..EDITS {
                let (built, answered) = service.edit(edit)?;
                edits.push(built);
                answers.push(answered);
            }
            edits.sort_by_key(|took| took.wall);
            answers.sort();
            lines.push(format!("{:12} build after an edit  {}", service.name, edits[EDITS / 2]));
            let p50 = answers[EDITS / 2].as_secs_f64();
            lines.push(format!("{:12} edit to answer, p50  {p50:6.2} s", service.name));
        }
        let (ours, theirs) = (clean[1].cpu.as_secs_f64(), clean[0].cpu.as_secs_f64());
        lines.push(format!("minimal over by-hand, clean, processor time: × {:.2}", ours / theirs));

        for peer in ["summer-rs", "loco"] {
            let took = self.build_peer(peer, &work.path().join(peer))?;
            lines.push(format!("{peer:12} clean build          {took}"));
        }
        let mut quickstart = self.workspace.cargo("build");
        quickstart.args(["--package", "quickstart", "--target-dir"]).arg(work.path().join("q"));
        let took = self.timed(&mut quickstart)?;
        lines.push(format!("{:12} clean build          {took}", "quickstart"));
        lines.iter().for_each(|line| self.figures.add(line));
        Ok(())
    }

    /// Builds a peer, with as little to debug it by as the others have.
    fn build_peer(&self, name: &str, target: &Path) -> Result<Took> {
        let mut build = Command::new("cargo");
        build.args(["build", "--locked", "--config", "profile.dev.debug='line-tables-only'"]);
        build.args(["--config", "profile.dev.package.'*'.debug=false", "--target-dir"]).arg(target);
        let source = self.workspace.root.join("framework/bench/peers").join(name);
        self.timed(build.env("CARGO_INCREMENTAL", "1").current_dir(source))
    }

    /// Runs a build in silence.
    fn timed(&self, build: &mut Command) -> Result<Took> {
        let (began, before) = (Instant::now(), children()?);
        self.processes.capture(build)?;
        Ok(Took { wall: began.elapsed(), cpu: children()? - before })
    }
}

/// The processor time of all our children that have ended, and of theirs.
fn children() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").context("could not read /proc/self/stat")?;
    let ticks = || {
        // `cutime` and `cstime`, fields 16 and 17 of proc_pid_stat(5); field 2 may hold anything.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(13);
        Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
    };
    let ticks = ticks().context("/proc/self/stat does not tell the times of children")?;
    Ok(Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64))
}

// === impl Service ===

impl<'a> Service<'a> {
    /// Copies the service from `framework/bench/builds`, with our versions of what it uses.
    fn new(
        bench: &'a Bench<'a>,
        name: &'static str,
        arguments: &'static [&'static str],
        work: &Path,
    ) -> Result<Self> {
        let root = &bench.workspace.root;
        let (source, directory) = (root.join("framework/bench/builds").join(name), work.join(name));
        let copy = || {
            fs::create_dir_all(directory.join("src"))?;
            fs::copy(source.join("src/main.rs"), directory.join("src/main.rs"))?;
            fs::copy(root.join("Cargo.lock"), directory.join("Cargo.lock"))?;
            let manifest = fs::read_to_string(source.join("Cargo.toml"))?;
            let facade = root.join("framework/purlin").display().to_string();
            fs::write(directory.join("Cargo.toml"), manifest.replace("../../../purlin", &facade))
        };
        copy().with_context(|| format!("could not copy {}", source.display()))?;
        let target = work.join(format!("{name}-target"));
        Ok(Self { bench, name, directory, arguments, target })
    }

    fn build(&self) -> Result<Took> {
        let mut build = Command::new("cargo");
        build.arg("build").arg("--target-dir").arg(&self.target).current_dir(&self.directory);
        // What a developer has: who builds for CI may have switched it off.
        self.bench.timed(build.env("CARGO_INCREMENTAL", "1"))
    }

    /// Changes what the service answers, builds it, and waits for the new answer: the times of the
    /// build, and of all.
    fn edit(&self, number: usize) -> Result<(Took, Duration)> {
        let file = self.directory.join("src/main.rs");
        let text = fs::read_to_string(&file).context("could not read the service")?;
        let (before, rest) = text.split_once("\"hello").context("the service says no hello")?;
        let (_, after) = rest.split_once('"').context("the service says no hello")?;
        let answer = format!("hello {number}");
        let began = Instant::now();
        fs::write(&file, format!("{before}\"{answer}\"{after}")).context("could not edit it")?;
        let built = self.build()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
        let address = listener.local_addr().context("could not read the port")?;
        drop(listener);
        let mut command = Command::new(self.target.join("debug").join(self.name));
        let arguments = self.arguments.iter();
        command.args(arguments.map(|argument| argument.replace("{addr}", &address.to_string())));
        command.env("ADDR", address.to_string()).current_dir(&self.directory);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // Dropped, it is ended.
        let _running = self.bench.processes.spawn(&mut command)?;
        while !says(address, &answer) {
            ensure!(began.elapsed() < PATIENCE, "{} did not answer `{answer}`", self.name);
            if self.bench.processes.interrupted() {
                bail!("interrupted");
            }
            thread::sleep(POLL);
        }
        Ok((built, began.elapsed()))
    }
}

/// Whether `GET /hello` is answered like that.
fn says(address: SocketAddr, answer: &str) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        std::io::Result::Ok(text)
    };
    ask().is_ok_and(|text| text.ends_with(answer))
}

// === impl Took ===

impl std::fmt::Display for Took {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (wall, cpu) = (self.wall.as_secs_f64(), self.cpu.as_secs_f64());
        write!(f, "{wall:6.2} s, {cpu:6.2} s of processor time")
    }
}
