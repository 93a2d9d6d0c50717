//! From built to running.

use std::time::Duration;

use super::{Action, Machine, Phase, RunId, UnitId, UnitState};
use crate::{
    clock::Instant,
    event::Event,
    exit::Exit,
    lifecycle::run::{Run, RunPlan, RunState},
};

// === impl Machine ===

impl Machine {
    pub(super) fn start(&mut self, now: Instant) {
        if self.phase == Phase::Built {
            self.phase = Phase::StartingUnits;
            self.started_at = now;
            self.emit(Event::Starting);
            self.advance(now);
        }
    }

    pub(super) fn initialised(
        &mut self,
        now: Instant,
        unit: UnitId,
        detail: String,
        runs: Vec<RunPlan>,
    ) {
        let life = &mut self.units[unit];
        match life.state {
            UnitState::Starting(since) => {
                life.state = UnitState::Started;
                life.took = now - since;
                self.start_order.push(unit);
                let (name, took) = (life.name.clone(), life.took);
                if !life.quiet {
                    self.emit(Event::ModuleStarted { name, took, detail });
                }
                self.runs.extend(runs.into_iter().map(Run::new));
            }
            // It was finished before it could be aborted; its undos are in the list.
            UnitState::Aborting(_) => life.state = UnitState::Ended,
            _ => {}
        }
        self.advance(now);
    }

    pub(super) fn init_failed(&mut self, now: Instant, unit: UnitId, error: String) {
        let life = &mut self.units[unit];
        let was = std::mem::replace(&mut life.state, UnitState::Ended);
        // One that fails while it is aborted tells as well: it may hold the cause of the other.
        if let UnitState::Starting(since) | UnitState::Aborting(since) = was {
            let (name, took) = (life.name.clone(), now - since);
            let reason = format!("`{name}` failed to start");
            self.emit(Event::ModuleFailed { name, took, error });
            self.stop(now, Exit::new(Exit::START_FAILED, reason), Duration::ZERO);
        }
        self.advance(now);
    }

    pub(super) fn ready(&mut self, now: Instant, id: RunId) {
        let run = &mut self.runs[id];
        if let RunState::Starting { since } = run.state {
            run.state = RunState::Ready;
            let name = run.plan.name.clone();
            self.emit(Event::RunnableReady { name, took: now - since });
            self.advance(now);
        }
    }

    pub(super) fn run_failed_to_start(
        &mut self,
        now: Instant,
        id: RunId,
        took: Duration,
        error: String,
    ) {
        let name = self.runs[id].plan.name.clone();
        let reason = format!("`{name}` failed to start");
        self.emit(Event::ModuleFailed { name, took, error });
        self.stop(now, Exit::new(Exit::START_FAILED, reason), Duration::ZERO);
    }

    /// Whether the start of the application waits for this runnable to become ready.
    pub(super) fn starts_first(&self, id: RunId) -> bool {
        self.phase == Phase::StartingRuns && self.runs[id].is_first_start()
    }

    /// Tiers come before needs: who asked for the wrong one learns of it here.
    pub(super) fn warn_of_tiers(&mut self) {
        let runs = self
            .runs
            .iter()
            .flat_map(|one| self.runs.iter().map(move |other| (&one.plan, &other.plan)));
        let late = runs.filter(|(one, other)| {
            one.tier > other.tier
                && one.unit.zip(other.unit).is_some_and(|(one, other)| self.depends(one, other))
        });
        let texts: Vec<_> = late
            .map(|(one, other)| {
                let ((name, tier), (before, earlier)) =
                    ((&one.name, one.tier), (&other.name, other.tier));
                format!("{name} ({tier}) stops after {before} ({earlier}), which it needs")
            })
            .collect();
        texts.into_iter().for_each(|text| self.emit(Event::Warning { text }));
    }

    pub(super) fn start_units(&mut self, now: Instant) {
        for id in 0..self.units.len() {
            let unit = &self.units[id];
            let has_started = |need: &UnitId| self.units[*need].state == UnitState::Started;
            if unit.state == UnitState::Waiting && unit.needs.iter().all(has_started) {
                let (name, quiet) = (unit.name.clone(), unit.quiet);
                self.units[id].state = UnitState::Starting(now);
                if !quiet {
                    self.emit(Event::ModuleStarting { name });
                }
                self.act(Action::Init(id));
            }
        }
    }

    pub(super) fn start_runs(&mut self, now: Instant) {
        for id in 0..self.runs.len() {
            let waiting = self.runs[id].state == RunState::Waiting;
            let free = (0..self.runs.len())
                .all(|other| !self.stops_before(id, other) || self.runs[other].has_started());
            if waiting && free {
                self.launch(now, id);
            }
        }
    }

    pub(super) fn launch(&mut self, now: Instant, id: RunId) {
        let run = &mut self.runs[id];
        run.state = RunState::Starting { since: now };
        let (name, restarts) = (run.plan.name.clone(), run.restarts);
        self.emit(Event::RunnableStarted { name, restarts });
        self.act(Action::Run(id));
    }

    /// The modules that the start had to wait for, one after the other.
    pub(super) fn critical_path(&self) -> Vec<String> {
        let mut finish = vec![Duration::ZERO; self.units.len()];
        for id in &self.start_order {
            let before = self.units[*id].needs.iter().map(|need| finish[*need]).max();
            finish[*id] = before.unwrap_or_default() + self.units[*id].took;
        }
        let slowest = |ids: &mut dyn Iterator<Item = UnitId>| ids.max_by_key(|id| finish[*id]);
        let last = slowest(&mut (0..self.units.len()));
        let path =
            std::iter::successors(last, |id| slowest(&mut self.units[*id].needs.iter().copied()));
        let told = path.filter(|id| !self.units[*id].quiet);
        let mut names: Vec<_> = told.map(|id| self.units[id].name.clone()).collect();
        names.reverse();
        names
    }
}
