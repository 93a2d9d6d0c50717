//! Cron patterns in time zones.
//!
//! The pattern is evaluated on the wall: croner is only asked for the next or previous *local* time,
//! on a calendar without changes. What a local time means in a zone is decided here.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use chrono::{
    DateTime, LocalResult, NaiveDateTime, Offset as _, SubsecRound as _, TimeDelta, TimeZone as _,
    Utc,
};
use chrono_tz::Tz;

use super::{ScheduleError, Zone};

/// Times of the calendar, in a time zone.
///
/// # When clocks change
/// What matters is the hour field.
/// - With a fixed hour (`30 2 * * *`) each time on the wall counts once. Times that are skipped run
///   once, at the first moment after the gap; times that are repeated run the first time.
/// - With a `*` in the hour field (`*/15 * * * *`) real time counts: nothing is run for an hour that
///   does not exist, and an hour that comes twice is run twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Cron {
    pattern: Arc<croner::Cron>,
    zone: Option<Zone>,
    /// Whether the hour is fixed.
    fixed: bool,
}

type Moment = DateTime<Utc>;

/// What a local time means in a zone.
type Meaning = fn(Tz, NaiveDateTime) -> Option<Moment>;

/// Nobody's clock is turned by more than this.
const DAY: TimeDelta = TimeDelta::days(1);
const SECOND: TimeDelta = TimeDelta::seconds(1);

// === impl Cron ===

impl Cron {
    /// Five fields: minute, hour, day of the month, month, day of the week; before them seconds, and
    /// after them a year, where there are six or seven. `@hourly`, `@daily`, `@weekly`, `@monthly`
    /// and `@yearly` too.
    ///
    /// `L` is the last day, `15W` the weekday nearest to the 15th, `5#2` the second Friday. Where
    /// both the day of the month and the day of the week are given, either is enough; with a `+`
    /// before the latter, both must hold.
    ///
    /// # Errors
    /// [`ScheduleError`] when it is no such pattern, or never comes.
    pub fn new(pattern: &str) -> Result<Self, ScheduleError> {
        let parsed = pattern.parse::<croner::Cron>().map_err(|error| ScheduleError::Pattern {
            pattern: pattern.to_owned(),
            reason: error.to_string(),
        })?;
        let fields: Vec<_> = parsed.as_str().split_whitespace().collect();
        let hour = fields[if fields.len() == 5 { 1 } else { 2 }];
        let fixed = !hour.contains('*');
        let cron = Self { pattern: Arc::new(parsed), zone: None, fixed };
        match cron.local_after(NaiveDateTime::default()) {
            Some(_) => Ok(cron),
            None => Err(ScheduleError::Never(pattern.to_owned())),
        }
    }

    /// The same in a time zone.
    #[must_use]
    pub fn zone(self, zone: Zone) -> Self {
        Self { zone: Some(zone), ..self }
    }

    /// The same in `zone`, unless it has one.
    pub(crate) fn default_zone(self, zone: Zone) -> Self {
        Self { zone: self.zone.or(Some(zone)), ..self }
    }

    /// The first run after `time`, if there is one.
    pub fn next_after(&self, time: SystemTime) -> Option<SystemTime> {
        let time = Moment::from(time);
        self.meanings().iter().filter_map(|meaning| self.next(time, *meaning)).min().map(Into::into)
    }

    /// The last run at `time` or before, if there is one.
    pub fn last_until(&self, time: SystemTime) -> Option<SystemTime> {
        let time = Moment::from(time);
        self.meanings().iter().filter_map(|meaning| self.last(time, *meaning)).max().map(Into::into)
    }

    /// The last run before `time`, if there is one.
    pub(crate) fn last_before(&self, time: SystemTime) -> Option<SystemTime> {
        self.last_until(time - Duration::from_nanos(1))
    }

    fn meanings(&self) -> &'static [Meaning] {
        if self.fixed { &[once] } else { &[first, second] }
    }

    fn tz(&self) -> Tz {
        self.zone.unwrap_or_default().0
    }

    /// Each meaning rises with the local time, so that the first one that is late enough is the one.
    /// The search begins at the earliest local time that may mean something after `time`: where an
    /// hour is about to be repeated, that is at its beginning.
    fn next(&self, time: Moment, meaning: Meaning) -> Option<Moment> {
        let tz = self.tz();
        let mut local = on_wall(tz, time).min(on_wall_as_of(tz, time, time + DAY)) - SECOND;
        loop {
            local = self.local_after(local)?;
            match meaning(tz, local) {
                Some(moment) if moment > time => return Some(moment),
                _ => {}
            }
        }
    }

    fn last(&self, time: Moment, meaning: Meaning) -> Option<Moment> {
        let tz = self.tz();
        let mut local = on_wall(tz, time).max(on_wall_as_of(tz, time, time - DAY)) + SECOND;
        loop {
            local = self.local_before(local)?;
            match meaning(tz, local) {
                Some(moment) if moment <= time => return Some(moment),
                _ => {}
            }
        }
    }

    fn local_after(&self, local: NaiveDateTime) -> Option<NaiveDateTime> {
        let found = self.pattern.find_next_occurrence(&local.and_utc(), false);
        found.ok().map(|found| found.naive_utc())
    }

    fn local_before(&self, local: NaiveDateTime) -> Option<NaiveDateTime> {
        let found = self.pattern.find_previous_occurrence(&local.and_utc(), false);
        found.ok().map(|found| found.naive_utc())
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pattern.as_str())?;
        match self.zone {
            Some(zone) => write!(f, " {zone}"),
            None => Ok(()),
        }
    }
}

/// The time on the wall, in whole seconds.
fn on_wall(tz: Tz, time: Moment) -> NaiveDateTime {
    on_wall_as_of(tz, time, time)
}

/// The time on a wall where clocks go as they do at `as_of`.
fn on_wall_as_of(tz: Tz, time: Moment, as_of: Moment) -> NaiveDateTime {
    let offset = tz.offset_from_utc_datetime(&as_of.naive_utc()).fix();
    (time.naive_utc() + offset).trunc_subsecs(0)
}

fn first(tz: Tz, local: NaiveDateTime) -> Option<Moment> {
    tz.from_local_datetime(&local).earliest().map(|time| time.to_utc())
}

fn second(tz: Tz, local: NaiveDateTime) -> Option<Moment> {
    tz.from_local_datetime(&local).latest().map(|time| time.to_utc())
}

/// The first moment at which the wall shows `local` or more.
fn once(tz: Tz, local: NaiveDateTime) -> Option<Moment> {
    if let LocalResult::Single(time) | LocalResult::Ambiguous(time, _) =
        tz.from_local_datetime(&local)
    {
        return Some(time.to_utc());
    }
    // Clocks are turned at whole minutes.
    let minute = TimeDelta::minutes(1);
    let mut later = local - TimeDelta::seconds(local.and_utc().timestamp().rem_euclid(60));
    let end = local + DAY + DAY;
    while later < end {
        later += minute;
        if let Some(moment) = first(tz, later) {
            return Some(moment);
        }
    }
    None
}
