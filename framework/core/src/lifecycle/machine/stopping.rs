//! From the first cause of a stop to the exit.

use std::time::Duration;

use super::{Action, Limits, Machine, Phase, RunId, Stop, UnitState};
use crate::{
    clock::Instant,
    event::{End, Event},
    exit::Exit,
    lifecycle::run::RunState,
};

// === impl Machine ===

impl Machine {
    pub(super) fn signal(&mut self, now: Instant, name: &'static str, number: u8) {
        self.signals = self.signals.saturating_add(1);
        let stopping = self.stop.is_some();
        match self.signals {
            1 if !stopping => self.stop(now, Exit::new(Exit::CLEAN, name), self.limits.drain_delay),
            1 => self.emit(Event::SignalIgnored {
                signal: name.to_owned(),
                consequence: "already stopping; a second one cuts the deadlines",
            }),
            2 => {
                self.emit(Event::SignalIgnored {
                    signal: name.to_owned(),
                    consequence: "the deadlines are cut; a third one ends the process at once",
                });
                self.hurry(now);
            }
            _ => {
                let reason = format!("{name} for the third time");
                self.act(Action::ExitNow(Exit::new(128 + number, reason)));
            }
        }
    }

    /// Begins to stop, unless that has begun: the first cause counts.
    pub(super) fn stop(&mut self, now: Instant, exit: Exit, drain_delay: Duration) {
        if self.stop.is_some() || self.phase == Phase::Stopped {
            return;
        }
        let Limits { stop, hard_stop, .. } = self.limits;
        let until = now + stop;
        // A hard stop and the undos must fit in behind the runnables.
        let reserve = (hard_stop * 3).min(stop / 2);
        let reason = exit.reason().to_owned();
        self.stop = Some(Stop {
            exit,
            since: now,
            runs_until: until - reserve,
            until,
            overran: Vec::new(),
            failed: Vec::new(),
        });
        self.act(Action::SetReady(false));
        self.act(Action::Watch(until));
        self.emit(Event::Stopping { reason, budget: stop });
        match self.phase {
            Phase::Running if !drain_delay.is_zero() => {
                let until = (now + drain_delay).min(until - reserve);
                self.phase = Phase::DrainDelay { since: now, until };
            }
            Phase::StartingUnits => self.cancel_inits(now),
            _ => self.phase = Phase::StoppingRuns,
        }
        self.advance(now);
    }

    pub(super) fn cancel_inits(&mut self, now: Instant) {
        self.phase = Phase::Cancelling { until: now + self.limits.hard_stop };
        for id in 0..self.units.len() {
            match self.units[id].state {
                UnitState::Starting(since) => {
                    self.units[id].state = UnitState::Aborting(since);
                    self.act(Action::AbortInit(id));
                }
                UnitState::Waiting => self.units[id].state = UnitState::Ended,
                _ => {}
            }
        }
    }

    /// Cuts every deadline: what still runs is stopped hard now.
    pub(super) fn hurry(&mut self, now: Instant) {
        let hard_stop = self.limits.hard_stop;
        let Some(stop) = &mut self.stop else { return };
        stop.runs_until = now;
        stop.until = stop.until.min(now + hard_stop * 3);
        let until = stop.until;
        self.act(Action::Watch(until));
        if let Phase::DrainDelay { .. } = self.phase {
            self.phase = Phase::StoppingRuns;
        }
        if let Phase::Undoing { until, .. } = &mut self.phase {
            *until = (*until).min(now + hard_stop);
        }
        for run in &mut self.runs {
            if let RunState::Stopping { deadline, hard: false, .. } = &mut run.state {
                *deadline = now;
            }
        }
        self.advance(now);
        self.tick(now);
    }

    /// Until when runnables are stopped hard: however many overrun, the undos keep the last part.
    pub(super) fn hard_until(&self) -> Instant {
        self.stop.as_ref().map_or(Instant::NEVER, |stop| {
            let reserve = (stop.until - stop.runs_until) / 3;
            stop.until - self.limits.hard_stop.min(reserve)
        })
    }

    pub(super) fn stop_runs(&mut self, now: Instant) {
        let Some(stop) = &self.stop else { return };
        // Whoever overran before, those who come later get a share of what is left.
        let left = self.hard_until().since(now);
        let until = stop.runs_until.max(now + self.limits.hard_stop.min(left / 2));
        for id in 0..self.runs.len() {
            let free = (0..self.runs.len())
                .all(|other| !self.stops_before(other, id) || !self.runs[other].is_alive());
            match self.runs[id].state {
                RunState::Waiting | RunState::BackingOff { .. } => {
                    self.runs[id].state = RunState::Ended;
                }
                RunState::Starting { .. } | RunState::Ready | RunState::Late if free => {
                    let run = &mut self.runs[id];
                    let grace = run.plan.grace.map_or(Instant::NEVER, |grace| now + grace);
                    let deadline = grace.min(until).max(now);
                    run.state = RunState::Stopping { since: now, deadline, hard: false };
                    self.act(Action::Stop(id));
                }
                _ => {}
            }
        }
    }

    pub(super) fn undo(&mut self, now: Instant, shell: bool) {
        let Some(stop) = &self.stop else { return };
        // Each may take half of what is left, so that none takes all of it from the others.
        let until = now + (stop.until - now) / 2;
        self.phase = Phase::Undoing { shell, since: now, until, late: false };
        self.act(Action::Undo { shell });
    }

    pub(super) fn undone(
        &mut self,
        now: Instant,
        owner: String,
        what: String,
        error: Option<String>,
    ) {
        let Phase::Undoing { shell, since, late, .. } = self.phase else { return };
        if let (Some(stop), Some(error)) = (&mut self.stop, &error) {
            let name = format!("`{owner}: {what}`");
            if late {
                stop.overran.push(name);
            } else {
                stop.failed.push(format!("{name} {error}"));
            }
        }
        self.emit(Event::Undone { owner, what, took: now - since, error });
        self.undo(now, shell);
    }

    /// What fails while it is stopped never stops the stopping, and is not forgotten.
    pub(super) fn stop_failed(&mut self, id: RunId, end: End) {
        let name = self.runs[id].plan.name.clone();
        if let Some(stop) = &mut self.stop {
            stop.failed.push(format!("`{name}` {end}"));
        }
        self.emit(Event::StopFailed { name, end });
    }

    pub(super) fn finish(&mut self, now: Instant) {
        let Some(stop) = &self.stop else { return };
        // The first cause counts: what goes wrong later is told by its event.
        let exit = if !stop.exit.is_clean() {
            stop.exit.clone()
        } else if !stop.overran.is_empty() {
            let reason = format!("{} did not stop in time", stop.overran.join(", "));
            Exit::new(Exit::STOP_OVERRAN, reason)
        } else if !stop.failed.is_empty() {
            let reason = format!("while stopping, {}", stop.failed.join("; "));
            Exit::new(Exit::RUNNABLE_FAILED, reason)
        } else {
            stop.exit.clone()
        };
        let took = now - stop.since;
        self.phase = Phase::Stopped;
        self.emit(Event::Stopped { took, exit: exit.clone() });
        self.act(Action::Exit(exit));
    }
}
