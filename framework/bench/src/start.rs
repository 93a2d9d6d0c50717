//! From the start of a process until it is ready, and what it holds when it has nothing to do.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::probe::{Ready, ready};
use crate::served::resident;
use crate::spread::Spread;

/// What to start, and how often.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The program; it runs in an empty directory.
    program: PathBuf,
    /// Its arguments.
    #[arg(last = true)]
    arguments: Vec<String>,
    /// How often it is started.
    #[arg(long, default_value_t = 20)]
    times: usize,
    /// Where `GET /readyz` answers 200 once it is ready.
    #[arg(long, default_value = "127.0.0.1:8081")]
    admin: SocketAddr,
}

/// One start.
#[derive(Clone, Copy, Debug)]
struct Sample {
    ready: Duration,
    /// Resident memory in KiB.
    resident: u64,
}

/// After which a start, or a stop, is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at a program that is starting: well below what is measured.
const POLL: Duration = Duration::from_micros(200);

/// After which a service that is ready has done its first rounds.
const IDLE: Duration = Duration::from_millis(500);

/// Starts the program again and again, and prints the figures.
pub(crate) fn run(args: &Args) -> Result<()> {
    if ready(args.admin, "/readyz") != Ready::Refused {
        bail!("something listens on {} already: stop it first", args.admin);
    }
    let mut samples = Vec::with_capacity(args.times);
    for _ in 0..args.times {
        let directory = tempfile::tempdir().context("could not create a directory to run in")?;
        let said = tempfile::NamedTempFile::new().context("could not create a file for its log")?;
        let log = || said.as_file().try_clone().context("could not open the file for its log");
        let mut command = Command::new(&args.program);
        command.args(&args.arguments).current_dir(&directory).stdout(log()?).stderr(log()?);
        let sample = measure(&mut command, args.admin).with_context(|| {
            let said = fs::read_to_string(said.path()).unwrap_or_default();
            format!("{} said: {}", args.program.display(), said.trim())
        });
        samples.push(sample?);
    }
    let figures = |of: fn(&Sample) -> f64| Spread::of(samples.iter().map(of).collect());
    let ready = figures(|sample| sample.ready.as_secs_f64() * 1000.0);
    let resident = figures(|sample| sample.resident as f64 / 1024.0);
    let (ready, resident) = ready.zip(resident).context("--times must be at least 1")?;
    println!("start until ready, ms   {ready}");
    println!("idle memory, MiB        {resident}");
    // Without its directory, as this goes into the documentation.
    let program = args.program.file_name().unwrap_or(args.program.as_os_str());
    println!("{} starts of {}", args.times, program.display());
    Ok(())
}

/// Starts a program once, and stops it; a stop that is not clean makes the figures worthless.
fn measure(command: &mut Command, admin: SocketAddr) -> Result<Sample> {
    let began = Instant::now();
    let child = command.stdin(Stdio::null()).spawn();
    let mut running =
        Running(child.with_context(|| {
            format!("could not start {}", command.get_program().to_string_lossy())
        })?);
    while ready(admin, "/readyz") != Ready::Yes {
        if let Some(status) = running.0.try_wait().context("could not watch the program")? {
            bail!("the program ended ({status}) before it was ready");
        }
        ensure!(began.elapsed() < PATIENCE, "the program was not ready after {PATIENCE:?}");
        thread::sleep(POLL);
    }
    let ready = began.elapsed();
    thread::sleep(IDLE);
    let resident = resident(running.0.id())?;
    running.stop()?;
    Ok(Sample { ready, resident })
}

/// A started program, which does not outlive its measurement.
#[derive(Debug)]
struct Running(Child);

// === impl Running ===

impl Running {
    fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.0), Signal::TERM).context("could not send SIGTERM")?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.0.try_wait().context("could not watch the program")? {
                ensure!(status.success(), "the program did not stop cleanly ({status})");
                return Ok(());
            }
            thread::sleep(POLL);
        }
        bail!("the program still ran {PATIENCE:?} after SIGTERM")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A program that has ended already is what was wanted.
        if self.0.kill().is_ok() {
            self.0.wait().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers each request with the next of these, and then ends.
    fn answering(answers: &'static [&'static str]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 512];
                assert!(stream.read(&mut request).unwrap() > 0);
                write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").unwrap();
            }
        });
        address
    }

    fn bash(script: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-c", script]);
        command
    }

    const CLEAN: &str = "trap 'kill $!; exit 0' TERM; sleep 600 & wait";

    #[test]
    fn a_start_ends_with_the_first_200() {
        let admin = answering(&["503 Service Unavailable", "503 Service Unavailable", "200 OK"]);
        let sample = measure(&mut bash(CLEAN), admin).unwrap();
        assert!(sample.ready > Duration::ZERO);
        assert!(sample.resident > 100, "{} KiB cannot be a process", sample.resident);
        assert_eq!(ready(admin, "/readyz"), Ready::Refused, "every answer was asked for");
    }

    #[test]
    fn a_program_that_ends_early_is_named() {
        let admin = answering(&[]);
        let error = measure(&mut bash("exit 78"), admin).unwrap_err().to_string();
        assert_eq!(error, "the program ended (exit status: 78) before it was ready");
    }

    #[test]
    fn a_stop_that_is_not_clean_counts_for_nothing() {
        let admin = answering(&["200 OK"]);
        let script = "trap 'kill $!; exit 74' TERM; sleep 600 & wait";
        let error = measure(&mut bash(script), admin).unwrap_err().to_string();
        assert_eq!(error, "the program did not stop cleanly (exit status: 74)");
    }
}
