use opentelemetry::metrics::{Counter, Gauge};
use purlin_core::{
    event::{End, Event},
    info::AppInfo,
    meter::{Meter, label},
    readiness::Readiness,
};

use crate::metrics;

/// Turns the events of an application into metrics.
pub(crate) struct Lifecycle {
    module_start: Gauge<f64>,
    start: Gauge<f64>,
    /// `None` where the panic hook counts.
    panics: Option<Counter<u64>>,
    ends: Counter<u64>,
    restarts: Counter<u64>,
    leader: Gauge<i64>,
    term: Gauge<i64>,
    transitions: Counter<u64>,
    reloads: Counter<u64>,
}

// === impl Lifecycle ===

impl Lifecycle {
    /// Records what is known already; `hooked` says that the panic hook counts panics.
    pub(crate) fn new(meter: &Meter, info: &AppInfo, readiness: Readiness, hooked: bool) -> Self {
        let package = &info.package;
        meter.gauge(&metrics::BUILD_INFO).record(
            1,
            &[
                label("name", package.name.clone()),
                label("version", package.version.clone()),
                label("revision", package.revision.clone().unwrap_or_else(|| "unknown".to_owned())),
            ],
        );
        meter.observe(&metrics::READY, move |observer| {
            observer.observe(f64::from(u8::from(readiness.is_ready())), &[]);
        });
        let panics = meter.counter(&metrics::PANICS);
        // A rate needs to have seen the zero before the first one.
        panics.add(0, &[]);
        Self {
            module_start: meter.gauge_f64(&metrics::MODULE_START),
            start: meter.gauge_f64(&metrics::START),
            panics: (!hooked).then_some(panics),
            ends: meter.counter(&metrics::RUNNABLE_ENDS),
            restarts: meter.counter(&metrics::RUNNABLE_RESTARTS),
            leader: meter.gauge(&metrics::LEADER),
            term: meter.gauge(&metrics::LEADER_TERM),
            transitions: meter.counter(&metrics::LEADER_TRANSITIONS),
            reloads: meter.counter(&metrics::CONFIG_RELOADS),
        }
    }

    pub(crate) fn see(&self, event: &Event) {
        match event {
            Event::ModuleStarted { name, took, .. } => {
                self.module_start.record(took.as_secs_f64(), &[label("module", name.clone())]);
            }
            Event::Ready { took, .. } => self.start.record(took.as_secs_f64(), &[]),
            Event::RunnableEnded { name, end, restart_in } => {
                let runnable = label("runnable", name.clone());
                let how = match end {
                    End::Finished => "finished",
                    End::Failed(_) => "failed",
                    End::Panicked(_) => "panicked",
                };
                self.ends.add(1, &[runnable.clone(), label("end", how)]);
                if matches!(end, End::Panicked(_)) {
                    self.panicked();
                }
                if restart_in.is_some() {
                    self.restarts.add(1, &[runnable]);
                }
            }
            Event::TaskPanicked { .. } => self.panicked(),
            Event::LeadershipAcquired { name, token } => {
                let lease = label("lease", name.clone());
                self.leader.record(1, std::slice::from_ref(&lease));
                self.term.record(
                    i64::try_from(*token).unwrap_or(i64::MAX),
                    std::slice::from_ref(&lease),
                );
                self.transitions.add(1, &[lease, label("to", "acquired")]);
            }
            Event::LeadershipLost { name, .. } => {
                let lease = label("lease", name.clone());
                self.leader.record(0, std::slice::from_ref(&lease));
                self.transitions.add(1, &[lease, label("to", "lost")]);
            }
            Event::ConfigChanged { section } => {
                self.reloads.add(1, &[label("section", section.clone())])
            }
            _ => {}
        }
    }

    fn panicked(&self) {
        if let Some(panics) = &self.panics {
            panics.add(1, &[]);
        }
    }
}
