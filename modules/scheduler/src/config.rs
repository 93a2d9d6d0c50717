use std::{collections::BTreeMap, time::Duration};

use purlin::config::Config;
use serde::Deserialize;

use crate::schedule::{Schedule, Zone};

/// What holds for all jobs, and what is changed for single ones.
///
/// The section is `scheduler`:
/// ```yaml
/// scheduler:
///   zone: Europe/Berlin
///   max_concurrent: 4
///   jobs:
///     report: { schedule: "30 4 * * *" }
///     cleanup: { enabled: false }
/// ```
#[derive(Debug, Clone, Config)]
#[config(section = "scheduler")]
pub struct SchedulerConfig {
    /// Whether jobs are run at all.
    #[config(default = true)]
    pub enabled: bool,
    /// The time zone of cron patterns that name none.
    #[config(default = "UTC")]
    pub zone: Zone,
    /// Most runs that go on at once, over all jobs; unlimited when not set.
    #[validate(range(min = 1, max = 1_000_000))]
    pub max_concurrent: Option<usize>,
    /// Most runs that start within any second, over all jobs; unlimited when not set.
    #[validate(range(min = 1, max = 1_000_000))]
    pub max_starts_per_second: Option<usize>,
    /// How late a run may begin and still be on time. A later one counts as missed.
    #[config(default = "1m")]
    #[validate(range(max = "366d"))]
    pub late_after: Duration,
    /// How many runs of each job are remembered.
    #[config(default = 50)]
    #[validate(range(min = 1, max = 10_000))]
    pub history: usize,
    /// Settings of single jobs, by name.
    #[config(default)]
    pub jobs: BTreeMap<String, JobSettings>,
}

/// What the configuration changes of a job.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobSettings {
    /// Whether its schedule is followed; it can be triggered by hand all the same.
    pub enabled: Option<bool>,
    /// When it runs, instead of what the code says: `5m`, `0 3 * * *`, `manual`.
    pub schedule: Option<Schedule>,
    /// The time zone of its cron pattern.
    pub zone: Option<Zone>,
}
