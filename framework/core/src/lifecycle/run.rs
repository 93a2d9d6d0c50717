use std::{collections::VecDeque, time::Duration};

use crate::{
    clock::Instant,
    entropy::Entropy,
    event::End,
    runnable::{OnEnd, Restart, Tier},
};

/// What the machine knows of a runnable.
#[derive(Debug, Clone)]
pub(crate) struct RunPlan {
    pub(crate) name: String,
    /// The unit that registered it, if one did: it depends on what that depends on.
    pub(crate) unit: Option<usize>,
    pub(crate) tier: Tier,
    pub(crate) on_end: OnEnd,
    pub(crate) grace: Option<Duration>,
}

/// One runnable over its life.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) plan: RunPlan,
    pub(crate) state: RunState,
    pub(crate) restarts: u32,
    recent: VecDeque<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunState {
    Waiting,
    Starting {
        since: Instant,
    },
    Ready,
    /// Aborted because it has not become ready in time.
    Late,
    BackingOff {
        until: Instant,
    },
    /// Asked to stop at `since`; at `deadline` it is stopped hard, or aborted if it was.
    Stopping {
        since: Instant,
        deadline: Instant,
        hard: bool,
    },
    Ended,
}

/// What follows from an unexpected end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    Restart(Duration),
    StopApp,
    /// It has been restarted as often as it may.
    GiveUp(Restart),
    Nothing,
}

// === impl Run ===

impl Run {
    pub(crate) fn new(plan: RunPlan) -> Self {
        Self { plan, state: RunState::Waiting, restarts: 0, recent: VecDeque::new() }
    }

    /// Whether there is a task that must be stopped.
    pub(crate) fn is_alive(&self) -> bool {
        matches!(
            self.state,
            RunState::Starting { .. }
                | RunState::Ready
                | RunState::Late
                | RunState::Stopping { .. }
        )
    }

    /// Whether those that wait for it at start may go on.
    pub(crate) fn has_started(&self) -> bool {
        !matches!(self.state, RunState::Waiting) && !self.is_first_start()
    }

    /// Whether it has never been ready.
    pub(crate) fn is_first_start(&self) -> bool {
        matches!(self.state, RunState::Starting { .. }) && self.restarts == 0
    }

    /// Judges an end that nobody asked for.
    pub(crate) fn judge(&mut self, now: Instant, end: &End, entropy: &Entropy) -> Verdict {
        let policy = match self.plan.on_end {
            OnEnd::Ignore => return Verdict::Nothing,
            OnEnd::StopApp => return Verdict::StopApp,
            OnEnd::Restart(_) if *end == End::Finished => return Verdict::StopApp,
            OnEnd::Restart(policy) => policy,
        };
        while self.recent.front().is_some_and(|at| now - *at > policy.within) {
            self.recent.pop_front();
        }
        let attempt = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        if attempt >= policy.limit {
            return Verdict::GiveUp(policy);
        }
        self.recent.push_back(now);
        self.restarts += 1;
        Verdict::Restart(entropy.jitter(policy.delay(attempt), 0.2).min(policy.cap))
    }
}
