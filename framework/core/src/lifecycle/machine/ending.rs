//! Runnables that end although nobody asked them to.

use super::{Machine, RunId};
use crate::{
    clock::Instant,
    event::{End, Event},
    exit::Exit,
    lifecycle::run::{RunState, Verdict},
    runnable::{OnEnd, Restart},
};

// === impl Machine ===

impl Machine {
    pub(super) fn ended(&mut self, now: Instant, id: RunId, end: End, detail: String) {
        let starts_first = self.starts_first(id);
        let run = &mut self.runs[id];
        match run.state {
            RunState::Stopping { since, .. } => {
                run.state = RunState::Ended;
                let (name, tier) = (run.plan.name.clone(), run.plan.tier);
                let error = (end != End::Finished).then(|| end.to_string());
                if let (Some(stop), Some(error)) = (&mut self.stop, &error) {
                    stop.failed.push(format!("`{name}` {error}"));
                }
                self.emit(Event::RunnableStopped { name, tier, took: now - since, detail, error });
                self.advance(now);
            }
            RunState::Starting { since } if starts_first && run.plan.on_end != OnEnd::Ignore => {
                run.state = RunState::Ended;
                let error = format!("it {end} before it was ready");
                self.run_failed_to_start(now, id, now - since, error);
                self.advance(now);
            }
            RunState::Starting { .. } | RunState::Ready => self.ended_early(now, id, end),
            RunState::Late => {
                let limit = self.limits.start;
                let error = format!(
                    "it did not call `ready()` within {limit:?} of its restart \
                     (lifecycle.start_timeout)"
                );
                self.ended_early(now, id, End::Failed(error));
            }
            RunState::Waiting | RunState::BackingOff { .. } | RunState::Ended => {}
        }
    }

    pub(super) fn ended_early(&mut self, now: Instant, id: RunId, end: End) {
        let run = &mut self.runs[id];
        let name = run.plan.name.clone();
        let verdict = run.judge(now, &end, &self.entropy);
        let restart_in = match verdict {
            Verdict::Restart(delay) if self.stop.is_none() => {
                run.state = RunState::BackingOff { until: now + delay };
                Some(delay)
            }
            _ => {
                run.state = RunState::Ended;
                None
            }
        };
        if let Some(stop) = &mut self.stop
            && verdict != Verdict::Nothing
            && end != End::Finished
        {
            stop.failed.push(format!("`{name}` {end}"));
        }
        self.emit(Event::RunnableEnded { name: name.clone(), end: end.clone(), restart_in });
        if restart_in.is_none() && verdict != Verdict::Nothing {
            let mut reason = format!("`{name}` {end}");
            if let Verdict::GiveUp(Restart { limit, within, .. }) = verdict {
                reason.push_str(&format!(
                    "; it was restarted {limit} times within {within:?}, which is the limit"
                ));
            }
            let exit = Exit::new(Exit::RUNNABLE_FAILED, reason);
            self.stop(now, exit, self.limits.drain_delay);
        }
        self.advance(now);
    }
}
