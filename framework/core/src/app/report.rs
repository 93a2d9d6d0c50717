//! The reports of start and stop, as a person reads them in a terminal.

use std::{
    fmt::Write as _,
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    event::{End, Event},
    leader::HANDED_OVER,
    runnable::Tier,
};

/// Writes the life of an application to standard error, step by step.
pub(super) struct Report {
    header: String,
    /// Whether only what went wrong is told, because the log tells the rest.
    terse: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The width of the column of names.
    width: usize,
    ready: bool,
    failed: bool,
    stopping: bool,
    addresses: Vec<(String, String)>,
}

/// No column of names is wider than this.
const WIDEST: usize = 24;

// === impl Report ===

impl Report {
    pub(super) fn new(header: String, width: usize) -> Self {
        let state = State { width: width.clamp(8, WIDEST), ..State::default() };
        Self { header, terse: false, state: Mutex::new(state) }
    }

    /// Only what kept the service from starting or from stopping, for where a collector reads the
    /// log: it must be seen even when the log is what failed.
    pub(super) fn terse() -> Self {
        Self { terse: true, ..Self::new(String::new(), 0) }
    }

    pub(super) fn write(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let told = !self.terse
            || match event {
                Event::ModuleFailed { .. } | Event::StopFailed { .. } | Event::Overran { .. } => {
                    true
                }
                Event::Stopped { exit, .. } => !exit.is_clean(),
                _ => false,
            };
        if let Some(text) = self.text(&mut state, event).filter(|_| told) {
            write_whole(&mut std::io::stderr(), text);
        }
    }

    fn text(&self, state: &mut State, event: &Event) -> Option<String> {
        match event {
            Event::Starting => Some(self.header.clone()),
            Event::Listening { name, address } => {
                state.addresses.push((name.clone(), address.to_string()));
                None
            }
            Event::ModuleStarted { name, took, detail } if !state.stopping => {
                Some(state.line(name, detail, Some(*took)))
            }
            Event::RunnableStarted { name, .. } => {
                state.width = state.width.max(name.chars().count().min(WIDEST));
                None
            }
            Event::ModuleFailed { name, took, error } => {
                state.failed = true;
                let mut text = format!("error: `{name}` failed to start after {}", human(*took));
                for line in error.lines() {
                    let _ = write!(text, "\n  {line}");
                }
                Some(text)
            }
            Event::Ready { took, critical_path } => {
                state.ready = true;
                let mut text = format!("ready in {}", human(*took));
                if !critical_path.is_empty() {
                    let _ = write!(text, " · critical path {}", critical_path.join(" → "));
                }
                Some(text)
            }
            Event::RunnableEnded { name, end, restart_in } => {
                Some(Self::ended(name, end, *restart_in))
            }
            Event::Warning { text } => Some(format!("  ! {text}")),
            Event::TaskPanicked { name, message } => {
                Some(format!("! task {name} panicked: {message}"))
            }
            _ => self.stop_text(state, event),
        }
    }

    fn stop_text(&self, state: &mut State, event: &Event) -> Option<String> {
        match event {
            Event::Stopping { reason, budget } => {
                state.stopping = true;
                let doing = if state.failed { "rolling back" } else { "stopping" };
                Some(format!("{doing}: {reason} · {} left", human(*budget)))
            }
            Event::SignalIgnored { signal, consequence } => {
                Some(format!("  ! {signal}: {consequence}"))
            }
            Event::DrainDelayed { took } => {
                Some(state.line("not ready", &format!("drain delay {}", human(*took)), None))
            }
            Event::RunnableStopped { name, tier, took, detail, error } => {
                let detail = match error {
                    Some(error) => error.as_str(),
                    None if detail.is_empty() => "stopped",
                    None => detail,
                };
                // The supervisor of tasks is ours, and worth a line when something went wrong.
                let ours = name == "tasks" && *tier == Tier::TASKS;
                (!ours || error.is_some()).then(|| state.line(name, detail, Some(*took)))
            }
            Event::StopFailed { name, end } => Some(format!("  ! the stop of {name} {end}")),
            Event::Overran { name, limit } => {
                Some(format!("  ! {name} did not stop within {} and is aborted", human(*limit)))
            }
            // The line of the runnable says so.
            Event::LeadershipLost { reason, .. } if reason == HANDED_OVER => None,
            Event::LeadershipLost { name, token, reason } => {
                Some(format!("! leadership of {name} is lost (term {token}): {reason}"))
            }
            Event::Undone { owner, what, took, error } => {
                let detail = match error {
                    Some(error) => format!("{what}: {error}"),
                    None => what.clone(),
                };
                Some(state.line(owner, &detail, Some(*took)))
            }
            Event::Stopped { took, exit } => {
                let code = exit.code();
                let reason =
                    if exit.is_clean() { String::new() } else { format!(" ({})", exit.reason()) };
                Some(format!("stopped in {} · exit code {code}{reason}", human(*took)))
            }
            _ => None,
        }
    }

    fn ended(name: &str, end: &End, restart_in: Option<Duration>) -> String {
        match restart_in {
            Some(delay) => format!("! {name} {end}; started again in {}", human(delay)),
            None => format!("! {name} {end}"),
        }
    }
}

// === impl State ===

impl State {
    fn line(&self, name: &str, detail: &str, took: Option<Duration>) -> String {
        let width = self.width;
        match took {
            Some(took) => {
                let padding = 58_usize.saturating_sub(detail.chars().count());
                format!("  {name:width$}  {detail}{:padding$}{:>9}", "", human(took))
            }
            None => format!("  {name:width$}  {detail}"),
        }
    }
}

/// Writes lines in one call, so that a log on the same terminal cannot come in between.
fn write_whole(out: &mut impl io::Write, mut text: String) {
    text.push('\n');
    // A terminal that is gone must not stop the service.
    let _ = out.write_all(text.as_bytes());
}

/// `310 µs`, `4.1 ms`, `2.4 s`.
pub(super) fn human(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 0.001 {
        format!("{} µs", duration.as_micros())
    } else if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1000.0)
    } else if duration.subsec_nanos() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{seconds:.1} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn told(events: &[Event]) -> Vec<String> {
        let report = Report::new("orders 0.1.0".to_owned(), 10);
        let mut state = report.state.lock().unwrap();
        events.iter().filter_map(|event| report.text(&mut state, event)).collect()
    }

    #[test]
    fn a_start_and_a_stop_read_as_in_the_tour() {
        let text = told(&[
            Event::Starting,
            Event::ModuleStarted {
                name: "sqlite".to_owned(),
                took: Duration::from_micros(4100),
                detail: "data/orders.db, 2 migrations applied".to_owned(),
            },
            Event::Warning { text: "a warning".to_owned() },
            Event::Ready {
                took: Duration::from_micros(9800),
                critical_path: vec!["sqlite".to_owned(), "http".to_owned()],
            },
            Event::Stopping { reason: "SIGTERM".to_owned(), budget: Duration::from_secs(25) },
            Event::Stopped { took: Duration::from_millis(2400), exit: Exit::new(0, "SIGTERM") },
        ]);
        assert_eq!(
            text,
            [
                "orders 0.1.0",
                "  sqlite      data/orders.db, 2 migrations applied                         4.1 ms",
                "  ! a warning",
                "ready in 9.8 ms · critical path sqlite → http",
                "stopping: SIGTERM · 25 s left",
                "stopped in 2.4 s · exit code 0",
            ]
        );
    }

    #[test]
    fn lines_are_written_in_one_call() {
        struct Calls(Vec<String>);
        impl io::Write for Calls {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.push(String::from_utf8(bytes.to_vec()).unwrap());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut calls = Calls(Vec::new());
        write_whole(&mut calls, "error: `http` failed to start\n  no port".to_owned());
        assert_eq!(calls.0, ["error: `http` failed to start\n  no port\n"]);
    }

    #[test]
    fn a_failure_shows_all_lines_of_its_cause() {
        let error = "address 127.0.0.1:8080 is in use\n  fix        change it".to_owned();
        let name = "http".to_owned();
        let text = told(&[Event::ModuleFailed { name, took: Duration::from_micros(310), error }]);
        assert_eq!(
            text,
            [
                "error: `http` failed to start after 310 µs\n  address 127.0.0.1:8080 is in use\n    fix        change it"
            ]
        );
    }
}
