use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    clock::Clock, config::Settings, entropy::Entropy, event::Events, health::HealthRegistry,
    leader::Leaders, meter::Meter, page::Pages, readiness::Readiness, shutdown::ShutdownHandle,
    spawner::Spawner, undo::Undos,
};

/// What the engine and all modules of one application share. There is one per start, and nothing
/// global.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) events: Events,
    pub(crate) readiness: Readiness,
    pub(crate) health: HealthRegistry,
    pub(crate) pages: Pages,
    pub(crate) spawner: Spawner,
    pub(crate) shutdown: ShutdownHandle,
    pub(crate) leaders: Arc<Leaders>,
    pub(crate) undos: Undos,
    pub(crate) owns_process: bool,
    pub(crate) settings: Arc<Settings>,
    /// Replaced when a module gives one; telemetry does, before the others start.
    pub(crate) meter: RwLock<Meter>,
}

// === impl Shared ===

impl Shared {
    pub(crate) fn meter(&self) -> Meter {
        self.meter.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_meter(&self, meter: Meter) {
        *self.meter.write().unwrap_or_else(PoisonError::into_inner) = meter;
    }
}
