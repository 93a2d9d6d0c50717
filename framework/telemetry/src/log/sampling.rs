use std::{
    collections::BTreeMap,
    fmt,
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use purlin_core::clock::{Clock, Instant};
use serde::Deserialize;
use tracing::{
    Event, Level, Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest,
};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::layer::{Context, Filter};

use super::{Counts, Levels};

/// How much noise is logged: of each call site so many records in a second, by level or target.
///
/// ```
/// use purlin_telemetry::log::Sampling;
///
/// let sampling: Sampling = "debug=100,purlin_http::access=20".parse().unwrap();
/// assert_eq!(sampling.to_string(), "debug=100,purlin_http::access=20");
/// assert!("access=some".parse::<Sampling>().is_err());
/// ```
///
/// A target is the beginning of a module path, and the longest one that fits counts; then the level.
/// Warnings and errors are never left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Sampling {
    levels: BTreeMap<LevelFilter, u32>,
    targets: BTreeMap<String, u32>,
}

/// The text does not say how much is logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no rule; write `debug=100` or `purlin_http::access=20`, the records of a call site in \
     one second; warnings and errors are never left out"
)]
pub struct NotSampling(String);

/// Counts the records of each call site.
#[derive(Debug, Clone)]
pub(crate) struct Sampler {
    rules: Arc<Sampling>,
    clock: Clock,
    begun: Instant,
    /// The second, and the records in it. Two call sites may share a place, and then its number.
    places: Arc<[AtomicU64]>,
    left_out: Counts,
}

/// A filter of levels that leaves out what a sampler has enough of.
pub(super) struct Sampled<F> {
    pub(super) filter: F,
    pub(super) sampler: Option<Sampler>,
}

const PLACES: usize = 4096;

// === impl Sampling ===

impl Sampling {
    fn limit(&self, target: &str, level: Level) -> Option<u32> {
        if level <= Level::WARN {
            return None;
        }
        let fits = self.targets.iter().filter(|(known, _)| target.starts_with(known.as_str()));
        let of_target = fits.max_by_key(|(known, _)| known.len()).map(|(_, limit)| *limit);
        of_target.or_else(|| self.levels.get(&LevelFilter::from_level(level)).copied())
    }
}

impl FromStr for Sampling {
    type Err = NotSampling;

    fn from_str(text: &str) -> Result<Self, NotSampling> {
        let mut sampling = Self::default();
        for rule in text.split(',').map(str::trim).filter(|rule| !rule.is_empty()) {
            let wrong = || NotSampling(rule.to_owned());
            let (what, limit) = rule.split_once('=').ok_or_else(wrong)?;
            let (what, limit) = (what.trim(), limit.trim().parse().map_err(|_| wrong())?);
            match Levels::level(what) {
                Ok(level) if level > LevelFilter::WARN => {
                    sampling.levels.insert(level, limit);
                }
                Err(_) if !what.is_empty() => {
                    sampling.targets.insert(what.to_owned(), limit);
                }
                _ => return Err(wrong()),
            }
        }
        Ok(sampling)
    }
}

impl TryFrom<String> for Sampling {
    type Error = NotSampling;

    fn try_from(text: String) -> Result<Self, NotSampling> {
        text.parse()
    }
}

impl fmt::Display for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let levels = self.levels.iter().map(|(level, limit)| format!("{level}={limit}"));
        let targets = self.targets.iter().map(|(target, limit)| format!("{target}={limit}"));
        f.write_str(&levels.chain(targets).collect::<Vec<_>>().join(","))
    }
}

// === impl Sampler ===

impl Sampler {
    /// A sampler, or none where there are no rules.
    pub(crate) fn new(rules: Sampling, clock: Clock, left_out: Counts) -> Option<Self> {
        let none = rules.levels.is_empty() && rules.targets.is_empty();
        let (begun, rules) = (clock.now(), Arc::new(rules));
        let places = (0..PLACES).map(|_| AtomicU64::new(0)).collect();
        (!none).then_some(Self { rules, clock, begun, places, left_out })
    }

    fn takes(&self, event: &Event<'_>) -> bool {
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let (target, level) = (metadata.target(), *metadata.level());
        let Some(limit) = self.rules.limit(target, level) else { return true };
        // All records of `log` have one call site for each level.
        let site = (target, level, metadata.line(), event.metadata().callsite());
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(site);
        let place = usize::try_from(hash % PLACES as u64).unwrap_or_default();
        let second = self.clock.now().since(self.begun).as_secs() & u64::from(u32::MAX);
        let count = |old: u64| if old >> 32 == second { old + 1 } else { (second << 32) + 1 };
        let old = self.places.get(place).map(|place| {
            place.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |old| Some(count(old)))
        });
        let seen = old.map_or(1, |old| count(old.unwrap_or_else(|old| old)) & u64::from(u32::MAX));
        let takes = seen <= u64::from(limit);
        if !takes {
            self.left_out.count(level);
        }
        takes
    }
}

// === impl Sampled ===

impl<F: Filter<S>, S: Subscriber> Filter<S> for Sampled<F> {
    fn enabled(&self, metadata: &Metadata<'_>, cx: &Context<'_, S>) -> bool {
        self.filter.enabled(metadata, cx)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let interest = self.filter.callsite_enabled(metadata);
        // What a filter may refuse for a single event it must be asked about each time.
        let asked = self.sampler.is_some() && metadata.is_event() && interest.is_always();
        if asked { Interest::sometimes() } else { interest }
    }

    fn event_enabled(&self, event: &Event<'_>, cx: &Context<'_, S>) -> bool {
        self.filter.event_enabled(event, cx)
            && self.sampler.as_ref().is_none_or(|sampler| sampler.takes(event))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.filter.max_level_hint()
    }
}
