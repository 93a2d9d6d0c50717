//! Who runs on which core: the server on one, the load on another.

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores of the two sides; threads and children inherit that of whoever starts them.
#[derive(Debug)]
pub(crate) struct Cores {
    servers: CpuSet,
    load: CpuSet,
}

// === impl Cores ===

impl Cores {
    /// What [`divide`](Self::divide) does, in words.
    pub(crate) const TOLD: &str = "one core for the server, one for the load";

    /// Takes the first core for servers and the last for the load; this thread moves to the latter.
    /// With a single core both share it.
    pub(crate) fn divide() -> Result<Self> {
        let all = sched_getaffinity(None).context("could not see the cores")?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| all.is_set(core));
        let first = cores.next().context("there is no core")?;
        let one = |core| {
            let mut set = CpuSet::new();
            set.set(core);
            set
        };
        let divided = Self { servers: one(first), load: one(cores.next_back().unwrap_or(first)) };
        sched_setaffinity(None, &divided.load).context("could not move to a core")?;
        Ok(divided)
    }

    /// Does something on the servers' core.
    pub(crate) fn on_the_servers<T>(&self, act: impl FnOnce() -> T) -> T {
        // A core that was ours before is ours still, so neither move can fail.
        let _ = sched_setaffinity(None, &self.servers);
        let done = act();
        let _ = sched_setaffinity(None, &self.load);
        done
    }
}
