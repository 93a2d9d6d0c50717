//! When a job is due next, and which times have passed. No I/O, no waiting: the moments come in.

use std::time::{Duration, SystemTime};

use purlin::clock::{Clock, Instant};

use crate::{
    policy::Missed,
    schedule::{Cron, Schedule, Zone},
};

/// One moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) mono: Instant,
    pub(crate) wall: SystemTime,
}

/// The times of one job, from a mark on: the last time that was dealt with.
#[derive(Debug)]
pub(crate) enum Timeline {
    Every {
        period: Duration,
        /// A moment, and how long ago the mark was then. Wall time is asked once, at the beginning.
        seen: Instant,
        since_mark: Duration,
    },
    Cron {
        cron: Cron,
        mark: SystemTime,
        next: Option<SystemTime>,
    },
    Manual,
}

/// Times that have passed since the mark.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    /// The last of them.
    pub(crate) latest: SystemTime,
    /// How long ago that is.
    pub(crate) age: Duration,
    /// Those before it, oldest first; of very many only the last.
    pub(crate) earlier: Vec<SystemTime>,
    /// The earliest mark that means that somebody else has dealt with the latest.
    pub(crate) since: SystemTime,
}

/// What is to be run for times that have passed.
#[derive(Debug, PartialEq, Eq, Default)]
pub(crate) struct Due {
    pub(crate) missed: Vec<SystemTime>,
    pub(crate) on_time: Option<SystemTime>,
    pub(crate) skipped: usize,
}

/// How long a sleep may be before the wall clock is asked again: it may have been set, and the
/// machine may have slept, which monotonic time does not notice.
const LOOK_UP: Duration = Duration::from_secs(30);

/// How many passed times are counted one by one.
const COUNTED: usize = 1_000;

// === impl Now ===

impl Now {
    /// Monotonic time is asked first: a sleep that is counted from it is never too long.
    pub(crate) fn of(clock: &Clock) -> Self {
        Self { mono: clock.now(), wall: clock.system_now() }
    }
}

// === impl Timeline ===

impl Timeline {
    /// Goes on from `mark`.
    pub(crate) fn resume(schedule: &Schedule, zone: Zone, mark: SystemTime, now: Now) -> Self {
        match schedule {
            Schedule::Every(period) => {
                let since_mark = now.wall.duration_since(mark).unwrap_or_default();
                Self::Every { period: *period, seen: now.mono, since_mark }
            }
            Schedule::Cron(cron) => {
                let cron = cron.clone().default_zone(zone);
                let next = cron.next_after(mark);
                Self::Cron { cron, mark, next }
            }
            Schedule::Manual => Self::Manual,
        }
    }

    /// When to look again; `None` when nothing will ever be due.
    pub(crate) fn look_at(&self, now: Now) -> Option<Instant> {
        let wait = self.next(now)?.duration_since(now.wall).unwrap_or_default();
        Some(now.mono + wait.min(LOOK_UP))
    }

    /// When the next run is due.
    pub(crate) fn next(&self, now: Now) -> Option<SystemTime> {
        match self {
            Self::Every { period, seen, since_mark } => {
                let elapsed = *since_mark + (now.mono - *seen);
                Some(now.wall + period.saturating_sub(elapsed))
            }
            Self::Cron { next, .. } => *next,
            Self::Manual => None,
        }
    }

    /// What has passed by now; from here on it is dealt with.
    pub(crate) fn passed(&mut self, now: Now) -> Option<Passed> {
        match self {
            Self::Every { period, seen, since_mark } => {
                let elapsed = *since_mark + (now.mono - *seen);
                let times = elapsed.as_nanos() / period.as_nanos();
                let age = nanos(elapsed.as_nanos() % period.as_nanos());
                if times == 0 {
                    return None;
                }
                (*seen, *since_mark) = (now.mono, age);
                let latest = now.wall - age;
                let earlier = usize::try_from(times - 1).unwrap_or(COUNTED).min(COUNTED);
                let earlier = (1..=earlier).rev().filter_map(|nth| {
                    latest.checked_sub(period.checked_mul(u32::try_from(nth).ok()?)?)
                });
                // Two leaders' clocks differ a little: within half a period it is the same time.
                Some(Passed {
                    latest,
                    age,
                    earlier: earlier.collect(),
                    since: latest - *period / 2,
                })
            }
            Self::Cron { cron, mark, next } => {
                let first = (*next).filter(|next| *next <= now.wall)?;
                let latest = cron.last_until(now.wall).map_or(first, |latest| latest.max(first));
                let before = |time: &SystemTime| cron.last_before(*time).filter(|it| it > mark);
                let mut earlier: Vec<_> =
                    std::iter::successors(before(&latest), before).take(COUNTED).collect();
                earlier.reverse();
                *mark = latest;
                *next = cron.next_after(latest);
                let age = now.wall.duration_since(latest).unwrap_or_default();
                Some(Passed { latest, age, earlier, since: latest })
            }
            Self::Manual => None,
        }
    }
}

// === impl Passed ===

impl Passed {
    /// Decides what is run; a latest time that is not older than `late_after` is on time.
    pub(crate) fn due(self, policy: Missed, late_after: Duration) -> Due {
        let Self { latest, age, earlier: mut missed, .. } = self;
        let on_time = (age <= late_after).then_some(latest);
        if on_time.is_none() {
            missed.push(latest);
        }
        let all = missed.len();
        let keep = match policy {
            Missed::Skip => 0,
            // A run on time stands for those before it.
            Missed::Once => usize::from(on_time.is_none()),
            Missed::All(most) => most,
        };
        let missed = missed.split_off(all.saturating_sub(keep));
        Due { skipped: all - missed.len(), missed, on_time }
    }
}

fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(minutes: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH
            + Duration::from_secs(1_893_456_000)
            + MINUTE * u32::try_from(minutes).unwrap()
    }

    fn now(minutes: u64) -> Now {
        Now { mono: Instant::START + MINUTE * u32::try_from(minutes).unwrap(), wall: at(minutes) }
    }

    fn passed(latest: u64, age: u64, earlier: &[u64]) -> Passed {
        let earlier = earlier.iter().map(|minutes| at(*minutes)).collect();
        Passed {
            latest: at(latest),
            age: MINUTE * u32::try_from(age).unwrap(),
            earlier,
            since: at(latest),
        }
    }

    #[test]
    fn a_steady_pace_goes_on_where_it_was() {
        let every = Schedule::Every(MINUTE * 10);
        let mut line = Timeline::resume(&every, Zone::UTC, at(0), now(7));
        assert_eq!(line.next(now(7)), Some(at(10)));
        assert_eq!(line.passed(now(9)), None);
        let first = line.passed(now(10)).unwrap();
        assert_eq!((first.latest, first.age, first.earlier), (at(10), Duration::ZERO, vec![]));
        let later = line.passed(now(43)).unwrap();
        assert_eq!(
            (later.latest, later.age, later.earlier),
            (at(40), MINUTE * 3, vec![at(20), at(30)])
        );
        assert_eq!(line.next(now(43)), Some(at(50)));
    }

    #[test]
    fn a_steady_pace_takes_no_notice_of_a_wall_clock_that_is_set() {
        let every = Schedule::Every(MINUTE * 10);
        let mut line = Timeline::resume(&every, Zone::UTC, at(0), now(0));
        let set_back =
            |minutes: u64| Now { wall: now(minutes).wall - MINUTE * 1_000, ..now(minutes) };
        assert_eq!(line.passed(set_back(9)), None);
        assert_eq!(line.next(set_back(9)), Some(set_back(10).wall));
        assert!(line.passed(set_back(10)).is_some());
    }

    #[test]
    fn times_of_the_calendar_follow_a_wall_clock_that_is_set_and_never_repeat() {
        let hourly = Schedule::cron("0 * * * *").unwrap();
        let mut line = Timeline::resume(&hourly, Zone::UTC, at(1), now(1));
        let wall = |minutes: u64| Now { wall: at(minutes), ..now(1) };
        assert_eq!(line.passed(wall(60)).unwrap().latest, at(60));
        assert_eq!(line.passed(wall(0)), None, "set back by an hour");
        assert_eq!(line.passed(wall(60)), None, "it was run already");
        assert_eq!(line.passed(wall(120)).unwrap().earlier, vec![]);
        assert_eq!(
            line.look_at(wall(130)),
            Some(now(1).mono + LOOK_UP),
            "it looks up now and then"
        );
    }

    #[test]
    fn very_many_missed_times_are_not_counted_to_the_end() {
        let mut every =
            Timeline::resume(&Schedule::Every(Duration::from_nanos(1)), Zone::UTC, at(0), now(60));
        assert_eq!(every.passed(now(60)).unwrap().earlier.len(), COUNTED);
        let cron = Schedule::cron("* * * * * *").unwrap();
        let mut cron = Timeline::resume(&cron, Zone::UTC, at(0), now(600));
        assert_eq!(cron.passed(now(600)).unwrap().earlier.len(), COUNTED);
    }

    #[test]
    fn what_was_missed_is_skipped_made_up_once_or_made_up_in_part() {
        let late_after = MINUTE;
        let on_time = || passed(40, 1, &[10, 20, 30]);
        let late = || passed(40, 2, &[10, 20, 30]);
        let due = |missed: &[u64], on_time: Option<u64>, skipped| Due {
            missed: missed.iter().map(|minutes| at(*minutes)).collect(),
            on_time: on_time.map(at),
            skipped,
        };
        assert_eq!(on_time().due(Missed::Skip, late_after), due(&[], Some(40), 3));
        assert_eq!(late().due(Missed::Skip, late_after), due(&[], None, 4));
        assert_eq!(on_time().due(Missed::Once, late_after), due(&[], Some(40), 3));
        assert_eq!(late().due(Missed::Once, late_after), due(&[40], None, 3));
        assert_eq!(on_time().due(Missed::All(2), late_after), due(&[20, 30], Some(40), 1));
        assert_eq!(late().due(Missed::All(2), late_after), due(&[30, 40], None, 2));
        assert_eq!(late().due(Missed::All(9), late_after), due(&[10, 20, 30, 40], None, 0));
    }
}
