//! A contestant as a process: started on a core of its own, asked for what it used, and stopped.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, Signal, kill_process};

use crate::cores::Cores;
use crate::probe::{Ready, ready};

/// How a contestant is started. It listens where `ADDR`, or `{addr}` in its arguments, says.
#[derive(Clone, Debug)]
pub(crate) struct Contestant {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
}

/// A contestant that runs, and does not outlive its measurement.
#[derive(Debug)]
pub(crate) struct Served {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) ready_after: Duration,
}

/// After which a start, or a stop, is given up; generous, for programs under valgrind.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at a program that is starting: well below what is measured.
const POLL: Duration = Duration::from_micros(200);

// === impl Contestant ===

impl Contestant {
    pub(crate) fn new(name: &str, program: PathBuf, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { name: name.to_owned(), program, arguments }
    }

    /// Starts it in `directory`, below `wrapper` if there is one, and waits until it answers
    /// `GET /hello`. What it logs is thrown away, as fast as the kernel can.
    pub(crate) fn start(
        &self,
        wrapper: Option<Command>,
        directory: &Path,
        cores: &Cores,
    ) -> Result<Served> {
        let address = free_address()?;
        let mut command = match wrapper {
            Some(mut wrapper) => {
                wrapper.arg(&self.program);
                wrapper
            }
            None => Command::new(&self.program),
        };
        let arguments = self.arguments.iter();
        command.args(arguments.map(|argument| argument.replace("{addr}", &address.to_string())));
        command.env("ADDR", address.to_string()).current_dir(directory);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        let child = cores.on_the_servers(|| command.spawn());
        let child = child.with_context(|| format!("could not start {}", self.program.display()))?;
        let mut served = Served { child, address, ready_after: Duration::ZERO };
        while ready(address, "/hello") != Ready::Yes {
            if let Some(status) = served.child.try_wait().context("could not watch the program")? {
                bail!("{} ended ({status}) before it was ready", self.name);
            }
            ensure!(began.elapsed() < PATIENCE, "{} was not ready after {PATIENCE:?}", self.name);
            thread::sleep(POLL);
        }
        served.ready_after = began.elapsed();
        Ok(served)
    }
}

/// A port of the loopback interface that nobody has.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("could not get a port")?;
    listener.local_addr().context("could not read the port")
}

// === impl Served ===

impl Served {
    /// The processor time that it has used so far, its own and the kernel's for it.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let file = format!("/proc/{}/stat", self.child.id());
        let stat = fs::read_to_string(&file).with_context(|| format!("could not read {file}"))?;
        let ticks = ticks(&stat).with_context(|| format!("{file} does not tell the times"))?;
        Ok(Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64))
    }

    /// Its resident memory in KiB.
    pub(crate) fn resident(&self) -> Result<u64> {
        resident(self.child.id())
    }

    /// Stops it, and waits until it has ended; how it ends is its own business.
    pub(crate) fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).context("could not stop it")?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.child.try_wait().context("could not watch the program")?.is_some() {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        bail!("the program still ran {PATIENCE:?} after SIGTERM")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // A program that has ended already is what was wanted.
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

/// The sum of `utime` and `stime`, fields 14 and 15 of proc_pid_stat(5); the name of the program,
/// field 2, may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// The resident memory of a process in KiB.
pub(crate) fn resident(process: u32) -> Result<u64> {
    let file = format!("/proc/{process}/status");
    let status = fs::read_to_string(&file).with_context(|| format!("could not read {file}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok())
        .with_context(|| format!("{file} does not tell the resident memory"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program_moves_no_field() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 0 0 0 0 0 42 8 99 99 20 0 1 0";
        assert_eq!(ticks(stat), Some(50));
        assert_eq!(ticks("7 (a) S 1"), None);
    }
}
