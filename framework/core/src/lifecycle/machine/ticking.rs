//! What follows when a deadline has passed.

use std::time::Duration;

use super::{Action, Machine, Phase, UnitState};
use crate::{clock::Instant, event::Event, exit::Exit, lifecycle::run::RunState};

// === impl Machine ===

impl Machine {
    pub(super) fn tick(&mut self, now: Instant) {
        self.tick_starts(now);
        self.tick_runs(now);
        match self.phase {
            Phase::Cancelling { until } if until <= now => {
                for id in 0..self.units.len() {
                    if matches!(self.units[id].state, UnitState::Aborting(_)) {
                        self.units[id].state = UnitState::Ended;
                        self.overran(self.units[id].name.clone(), self.limits.hard_stop);
                    }
                }
            }
            Phase::DrainDelay { since, until } if until <= now => {
                self.emit(Event::DrainDelayed { took: now - since });
                self.phase = Phase::StoppingRuns;
            }
            Phase::Undoing { shell, since, until, late: false } if until <= now => {
                self.phase = Phase::Undoing { shell, since, until, late: true };
                self.act(Action::AbandonUndo);
            }
            _ => {}
        }
        self.advance(now);
    }

    pub(super) fn tick_starts(&mut self, now: Instant) {
        if self.stop.is_some() {
            return;
        }
        let limit = self.limits.start;
        let late = |since: Instant| since + limit <= now;
        let late_units: Vec<_> = self
            .units
            .iter()
            .filter(|unit| matches!(unit.state, UnitState::Starting(since) if late(since)))
            .map(|unit| unit.name.clone())
            .collect();
        for name in &late_units {
            let error = format!("it did not start within {limit:?} (lifecycle.start_timeout)");
            self.emit(Event::ModuleFailed { name: name.clone(), took: limit, error });
        }
        if !late_units.is_empty() {
            let reason = format!("`{}` did not start in time", late_units.join("`, `"));
            return self.stop(now, Exit::new(Exit::START_FAILED, reason), Duration::ZERO);
        }
        let late_runs: Vec<_> = (0..self.runs.len())
            .filter(|id| self.starts_first(*id))
            .filter(
                |id| matches!(self.runs[*id].state, RunState::Starting { since } if late(since)),
            )
            .collect();
        for id in late_runs {
            let error =
                format!("it did not call `ready()` within {limit:?} (lifecycle.start_timeout)");
            self.run_failed_to_start(now, id, limit, error);
        }
        if self.stop.is_some() {
            return;
        }
        for id in 0..self.runs.len() {
            if matches!(self.runs[id].state, RunState::Starting { since } if late(since)) {
                self.runs[id].state = RunState::Late;
                self.act(Action::Abort(id));
            }
        }
    }

    pub(super) fn tick_runs(&mut self, now: Instant) {
        let (hard_stop, latest) = (self.limits.hard_stop, self.hard_until());
        for id in 0..self.runs.len() {
            match self.runs[id].state {
                RunState::BackingOff { until } if until <= now && self.stop.is_none() => {
                    self.launch(now, id);
                }
                RunState::Stopping { since, deadline, hard: false } if deadline <= now => {
                    self.overran(self.runs[id].plan.name.clone(), deadline - since);
                    let deadline = (now + hard_stop).min(latest).max(now);
                    self.runs[id].state = RunState::Stopping { since, deadline, hard: true };
                    self.act(Action::StopHard(id, deadline - now));
                }
                RunState::Stopping { deadline, hard: true, .. } if deadline <= now => {
                    self.runs[id].state = RunState::Ended;
                    self.act(Action::Abandon(id));
                }
                _ => {}
            }
        }
    }
}
