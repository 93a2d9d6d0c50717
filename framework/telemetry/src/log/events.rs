use std::time::Duration;

use purlin_core::event::{End, Event};
use tracing::{debug, error, info, warn};

use super::TARGET;

/// Logs a step in the life of the application, in one record.
///
/// Where a developer reads along, the steps that the reports on stderr show are at level debug; and
/// so is what went wrong, where the reports tell it: one place for each failure.
pub(crate) fn log(event: &Event, development: bool, reported: bool) {
    /// A step of the ordinary course of things.
    macro_rules! step {
        ($($fields:tt)*) => {
            if development { debug!($($fields)*) } else { info!($($fields)*) }
        };
    }
    /// What went wrong.
    macro_rules! trouble {
        ($level:ident, $($fields:tt)*) => {
            if reported { debug!($($fields)*) } else { $level!($($fields)*) }
        };
    }
    match event {
        Event::Starting => step!(target: TARGET, component = "lifecycle", "starting"),
        Event::ModuleStarting { name } => {
            debug!(target: TARGET, component = %name, "module starts")
        }
        Event::ModuleStarted { name, took, detail } => {
            step!(target: TARGET, component = %name, took_ms = ms(*took), detail = some(detail), "module started");
        }
        Event::ModuleFailed { name, took, error } => {
            trouble!(error, target: TARGET, component = %name, took_ms = ms(*took), error, "module failed to start");
        }
        Event::Listening { name, address } => {
            step!(target: TARGET, component = %name, %address, "listening")
        }
        Event::RunnableStarted { name, restarts: 0 } => {
            debug!(target: TARGET, component = %name, "runnable started")
        }
        Event::RunnableStarted { name, restarts } => {
            info!(target: TARGET, component = %name, restarts, "runnable restarted")
        }
        Event::RunnableReady { name, took } => {
            debug!(target: TARGET, component = %name, took_ms = ms(*took), "runnable ready")
        }
        Event::RunnableEnded { name, end, restart_in } => {
            let end = match end {
                // The panic hook has logged the message.
                End::Panicked(_) => "panicked".to_owned(),
                end => end.to_string(),
            };
            match restart_in {
                Some(restart_in) => {
                    trouble!(warn, target: TARGET, component = %name, end, restart_in_ms = ms(*restart_in), "runnable ended, it will be restarted")
                }
                None => trouble!(error, target: TARGET, component = %name, end, "runnable ended"),
            }
        }
        Event::RunnableStopped { name, took, detail, error: None, .. } => {
            step!(target: TARGET, component = %name, took_ms = ms(*took), detail = some(detail), "runnable stopped");
        }
        Event::RunnableStopped { name, took, detail, error: Some(error), .. } => {
            trouble!(warn, target: TARGET, component = %name, took_ms = ms(*took), detail = some(detail), error, "runnable stopped with an error");
        }
        Event::StopFailed { name, end } => {
            trouble!(warn, target: TARGET, component = %name, end = end.to_string(), "the stop failed");
        }
        Event::Overran { name, limit } => {
            trouble!(error, target: TARGET, component = %name, limit_ms = ms(*limit), "aborted, it did not stop in time")
        }
        Event::Ready { took, critical_path } => {
            let critical_path = critical_path.join(" → ");
            step!(target: TARGET, component = "lifecycle", took_ms = ms(*took), critical_path, "ready");
        }
        Event::Stopping { reason, budget } => {
            step!(target: TARGET, component = "lifecycle", reason, budget_ms = ms(*budget), "stopping")
        }
        Event::SignalIgnored { signal, consequence } => {
            trouble!(warn, target: TARGET, component = "lifecycle", signal, consequence, "another signal");
        }
        Event::DrainDelayed { took } => {
            step!(target: TARGET, component = "lifecycle", took_ms = ms(*took), "drain delay is over")
        }
        Event::Undone { owner, what, took, error: None } => {
            step!(target: TARGET, component = %owner, what, took_ms = ms(*took), "undone")
        }
        Event::Undone { owner, what, took, error: Some(error) } => {
            trouble!(warn, target: TARGET, component = %owner, what, took_ms = ms(*took), error, "not undone");
        }
        Event::LeadershipAcquired { name, token } => {
            info!(target: TARGET, component = %name, token, "leadership acquired")
        }
        Event::LeadershipLost { name, token, reason } => {
            info!(target: TARGET, component = %name, token, reason, "leadership ended");
        }
        Event::TaskPanicked { name, .. } => {
            trouble!(error, target: TARGET, component = %name, "task panicked")
        }
        Event::Warning { text } => {
            trouble!(warn, target: TARGET, component = "lifecycle", "{text}");
        }
        Event::ConfigChanged { section } => {
            info!(target: TARGET, component = "config", section, "configuration changed")
        }
        Event::Stopped { took, exit } if exit.is_clean() => {
            step!(target: TARGET, component = "lifecycle", took_ms = ms(*took), code = exit.code(), reason = exit.reason(), "stopped");
        }
        Event::Stopped { took, exit } => {
            trouble!(error, target: TARGET, component = "lifecycle", took_ms = ms(*took), code = exit.code(), reason = exit.reason(), "stopped");
        }
        // An event of a newer core.
        other => debug!(target: TARGET, component = "lifecycle", event = ?other, "event"),
    }
}

fn ms(duration: Duration) -> f64 {
    // To the microsecond, like the reports.
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// A text that is left out where it says nothing.
fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
