//! Child processes that cannot outlive us.
//!
//! Each child leads a process group of its own. The group is ended when its leader ends, when its
//! [`Process`] is dropped, and when we are told to stop, so neither a panicking test nor Ctrl-C
//! leaves a server behind. Only a SIGKILL of this program itself cannot be answered.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long an interrupted child may take before its group is killed.
const GRACE: Duration = Duration::from_secs(10);

/// The children that run now; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processes {
    shared: Arc<Shared>,
}

/// A child that leads its own process group; dropped, it takes the whole group with it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    leader: Pid,
    processes: Processes,
}

#[derive(Debug, Default)]
struct Shared {
    /// The leaders of the groups that are ours: none of them has been reaped.
    leaders: Mutex<HashSet<Pid>>,
    interrupted: AtomicBool,
}

// === impl Processes ===

impl Processes {
    /// Starts to answer SIGINT, SIGTERM and SIGHUP: the first is passed on to every group, which
    /// then has ten seconds; the second kills.
    pub(crate) fn new() -> Result<Self> {
        let processes = Self::default();
        let mut signals =
            Signals::new([SIGINT, SIGTERM, SIGHUP]).context("could not listen for signals")?;
        let listener = processes.clone();
        thread::spawn(move || {
            for _ in signals.forever() {
                listener.interrupt();
            }
        });
        Ok(processes)
    }

    /// Whether we were told to stop.
    pub(crate) fn interrupted(&self) -> bool {
        self.shared.interrupted.load(Ordering::SeqCst)
    }

    /// Starts a child in a group of its own, without input.
    ///
    /// # Errors
    ///
    /// When the program cannot be started, or when we were told to stop.
    pub(crate) fn spawn(&self, command: &mut Command) -> Result<Process> {
        let mut leaders = self.leaders();
        if self.interrupted() {
            bail!("interrupted");
        }
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("could not start {}", shown(command)))?;
        let leader = Pid::from_child(&child);
        leaders.insert(leader);
        drop(leaders);
        Ok(Process { child, leader, processes: self.clone() })
    }

    /// Runs a command to its end, shows its output as it comes, and hands over each line of it.
    pub(crate) fn stream(
        &self,
        command: &mut Command,
        mut on_line: impl FnMut(&str),
    ) -> Result<ExitStatus> {
        let mut process = self.spawn(command.stdout(Stdio::piped()))?;
        let output = process.output();
        let ended = process.end_group_with_leader();
        for line in BufReader::new(output).split(b'\n') {
            let line = line.with_context(|| format!("could not read from {}", shown(command)))?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            on_line(&line);
        }
        ended.join().expect("the waiting thread does not panic");
        process.reap()
    }

    /// Runs a command to its end in silence, and returns its output.
    ///
    /// # Errors
    ///
    /// When it fails; the error shows what it wrote.
    pub(crate) fn capture(&self, command: &mut Command) -> Result<String> {
        let mut process = self.spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let errors = process.child.stderr.take().expect("the error stream was asked for");
        let errors = thread::spawn(move || io::read_to_string(errors));
        let output = process.output();
        let ended = process.end_group_with_leader();
        let output = io::read_to_string(output);
        let errors = errors.join().expect("the reading thread does not panic");
        ended.join().expect("the waiting thread does not panic");
        let status = process.reap()?;
        let (output, errors) = output
            .and_then(|output| Ok((output, errors?)))
            .with_context(|| format!("could not read from {}", shown(command)))?;
        if !status.success() {
            bail!("{} failed ({status}): {}{}", shown(command), errors.trim(), output.trim());
        }
        Ok(output)
    }

    /// The first call asks every group to end, the second makes it.
    fn interrupt(&self) {
        let leaders = self.leaders();
        if self.shared.interrupted.swap(true, Ordering::SeqCst) {
            leaders.iter().for_each(|leader| signal(*leader, Signal::KILL));
            return;
        }
        leaders.iter().for_each(|leader| signal(*leader, Signal::TERM));
        let later = self.clone();
        thread::spawn(move || {
            thread::sleep(GRACE);
            later.leaders().iter().for_each(|leader| signal(*leader, Signal::KILL));
        });
    }

    fn leaders(&self) -> MutexGuard<'_, HashSet<Pid>> {
        self.shared.leaders.lock().expect("nothing panics while it holds the list")
    }
}

// === impl Process ===

impl Process {
    fn output(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("the output was asked for")
    }

    /// Ends the group as soon as its leader has ended, so that no straggler keeps its output open.
    fn end_group_with_leader(&self) -> JoinHandle<()> {
        let leader = self.leader;
        thread::spawn(move || {
            // With NOWAIT the leader stays a zombie, so its number cannot have become a stranger's.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(Errno::INTR) = waitid(WaitId::Pid(leader), options) {}
            signal(leader, Signal::KILL);
        })
    }

    /// Ends the group and returns how its leader ended.
    fn reap(&mut self) -> Result<ExitStatus> {
        let mut leaders = self.processes.leaders();
        if leaders.remove(&self.leader) {
            signal(self.leader, Signal::KILL);
        }
        self.child.wait().context("could not wait for a child")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.reap() {
            println!("warning: {error:#}");
        }
    }
}

/// Signals a whole group; one that has ended already is what was wanted.
fn signal(leader: Pid, signal: Signal) {
    match kill_process_group(leader, signal) {
        Ok(()) | Err(Errno::SRCH) => {}
        Err(error) => println!("warning: could not signal process group {leader:?}: {error}"),
    }
}

/// A command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn bash(script: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_is_handed_over_line_by_line() {
        let mut lines = Vec::new();
        let status = Processes::default()
            .stream(&mut bash("echo one; echo two; exit 3"), |line| lines.push(line.to_owned()))
            .unwrap();
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn a_straggler_ends_with_its_leader() {
        let started = Instant::now();
        let mut straggler = String::new();
        Processes::default()
            .stream(&mut bash("sleep 600 & echo $!"), |line| straggler = line.to_owned())
            .unwrap();
        assert!(started.elapsed() < Duration::from_secs(60), "the straggler held the output open");
        assert!(gone(&straggler), "process {straggler} still runs");
    }

    #[test]
    fn a_dropped_process_takes_its_group_with_it() {
        let mut process = Processes::default()
            .spawn(bash("sleep 600 & echo $!; wait").stdout(Stdio::piped()))
            .unwrap();
        let mut child = String::new();
        BufReader::new(process.output()).read_line(&mut child).unwrap();
        drop(process);
        assert!(gone(child.trim()), "process {child} still runs");
    }

    #[test]
    fn an_interrupt_ends_what_runs_and_refuses_what_would() {
        let processes = Processes::default();
        let other = processes.clone();
        let status =
            processes.stream(&mut bash("echo ready; sleep 600"), |_| other.interrupt()).unwrap();
        assert!(!status.success());
        let refused = processes.spawn(&mut bash("true")).unwrap_err();
        assert_eq!(refused.to_string(), "interrupted");
    }

    #[test]
    fn a_failure_shows_what_was_written() {
        let error =
            Processes::default().capture(&mut bash("echo no disk >&2; exit 4")).unwrap_err();
        assert!(error.to_string().ends_with("(exit status: 4): no disk"), "{error}");
    }

    /// Whether a process has ended; one that nobody reaped yet has.
    fn gone(pid: &str) -> bool {
        let ended = || match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) => stat.contains(") Z "),
            Err(_) => true,
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while !ended() && Instant::now() < deadline {
            thread::yield_now();
        }
        ended()
    }
}
