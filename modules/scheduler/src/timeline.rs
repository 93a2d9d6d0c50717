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
        mark: SystemTime,
        /// A moment, and how long ago the last beat was then. Wall time is asked once, at the
        /// beginning.
        seen: Instant,
        since_beat: Duration,
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
    /// The mark that says that the latest is dealt with.
    pub(crate) mark: SystemTime,
    /// The earliest mark that means that somebody else has dealt with it.
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

/// How far ahead of the wall clock a mark may be: clocks of several machines differ, and clocks are
/// corrected.
const AHEAD: Duration = Duration::from_secs(60);

/// How far apart the two clocks may be asked.
const APART: Duration = Duration::from_millis(1);

/// How many passed times are counted one by one.
const COUNTED: usize = 1_000;

// === impl Now ===

impl Now {
    /// Monotonic time is asked first: a sleep that is counted from it is never too long.
    pub(crate) fn of(clock: &Clock) -> Self {
        Self::whole(|| (clock.now(), clock.system_now(), clock.now()))
    }

    /// Asks again when much time passed in between, as when the process was held up there.
    fn whole(mut ask: impl FnMut() -> (Instant, SystemTime, Instant)) -> Self {
        let mut asked = ask();
        for _ in 0..2 {
            if asked.2.since(asked.0) < APART {
                break;
            }
            asked = ask();
        }
        Self { mono: asked.0, wall: asked.1 }
    }
}

// === impl Timeline ===

impl Timeline {
    /// Goes on from `mark`. A steady pace whose mark is ahead of the wall clock waits until its beat
    /// after the mark: see [`ahead`](Self::ahead) for one that is far ahead.
    pub(crate) fn resume(schedule: &Schedule, zone: Zone, mark: SystemTime, now: Now) -> Self {
        match schedule {
            Schedule::Every(period) => {
                let (seen, since_beat) = match now.wall.duration_since(mark) {
                    Ok(since) => (now.mono, since),
                    Err(ahead) => (now.mono + ahead.duration(), Duration::ZERO),
                };
                Self::Every { period: *period, mark, seen, since_beat }
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
            Self::Every { period, seen, since_beat, .. } => {
                let wait = (*seen + *period).since(now.mono).saturating_sub(*since_beat);
                Some(now.wall + wait)
            }
            Self::Cron { next, .. } => *next,
            Self::Manual => None,
        }
    }

    /// What has passed by now, and is yet to be [dealt](Self::deal) with.
    pub(crate) fn passed(&self, now: Now) -> Option<Passed> {
        match self {
            Self::Every { period, mark, seen, since_beat } => {
                let elapsed = *since_beat + now.mono.since(*seen);
                let times = elapsed.as_nanos() / period.as_nanos();
                let age = nanos(elapsed.as_nanos() % period.as_nanos());
                if times == 0 {
                    return None;
                }
                let latest = now.wall - age;
                let earlier = usize::try_from(times - 1).unwrap_or(COUNTED).min(COUNTED);
                let earlier = (1..=earlier).rev().filter_map(|nth| {
                    latest.checked_sub(period.checked_mul(u32::try_from(nth).ok()?)?)
                });
                // The wall clock may have been set back since the mark; the beats go on from there.
                let mark = latest.max(*mark + (elapsed - age));
                // Two leaders' clocks differ a little: within half a period it is the same time.
                Some(Passed {
                    latest,
                    age,
                    earlier: earlier.collect(),
                    mark,
                    since: mark - *period / 2,
                })
            }
            Self::Cron { cron, mark, next } => {
                let first = (*next).filter(|next| *next <= now.wall)?;
                let latest = cron.last_until(now.wall).map_or(first, |latest| latest.max(first));
                let before = |time: &SystemTime| cron.last_before(*time).filter(|it| it > mark);
                let mut earlier: Vec<_> =
                    std::iter::successors(before(&latest), before).take(COUNTED).collect();
                earlier.reverse();
                let age = now.wall.duration_since(latest).unwrap_or_default();
                Some(Passed { latest, age, earlier, mark: latest, since: latest })
            }
            Self::Manual => None,
        }
    }

    /// What had passed at `now` is dealt with.
    pub(crate) fn deal(&mut self, passed: &Passed, now: Now) {
        match self {
            Self::Every { mark, seen, since_beat, .. } => {
                (*mark, *seen, *since_beat) = (passed.mark, now.mono, passed.age);
            }
            Self::Cron { cron, mark, next } => {
                *mark = passed.mark;
                *next = cron.next_after(*mark);
            }
            Self::Manual => {}
        }
    }

    /// Somebody else has dealt with the times until `theirs`. A steady pace stays as it is.
    pub(crate) fn follow(&mut self, theirs: SystemTime) {
        match self {
            Self::Every { mark, .. } => *mark = theirs.max(*mark),
            Self::Cron { cron, mark, next } if theirs > *mark => {
                *mark = theirs;
                *next = cron.next_after(theirs);
            }
            Self::Cron { .. } | Self::Manual => {}
        }
    }

    /// The mark, if it is so far ahead of the wall clock that one of the two must be wrong.
    pub(crate) fn ahead(&self, now: Now) -> Option<SystemTime> {
        let (mark, by) = match self {
            Self::Every { period, mark, .. } => (*mark, (*period).max(AHEAD)),
            Self::Cron { mark, .. } => (*mark, AHEAD),
            Self::Manual => return None,
        };
        (mark > now.wall + by).then_some(mark)
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
            mark: at(latest),
            since: at(latest),
        }
    }

    /// What has passed, dealt with.
    fn deal(line: &mut Timeline, now: Now) -> Option<Passed> {
        let passed = line.passed(now)?;
        line.deal(&passed, now);
        Some(passed)
    }

    #[test]
    fn a_steady_pace_goes_on_where_it_was() {
        let every = Schedule::Every(MINUTE * 10);
        let mut line = Timeline::resume(&every, Zone::UTC, at(0), now(7));
        assert_eq!(line.next(now(7)), Some(at(10)));
        assert_eq!(deal(&mut line, now(9)), None);
        let first = deal(&mut line, now(10)).unwrap();
        assert_eq!((first.latest, first.age, first.earlier), (at(10), Duration::ZERO, vec![]));
        let later = deal(&mut line, now(43)).unwrap();
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
        assert_eq!(deal(&mut line, set_back(9)), None);
        assert_eq!(line.next(set_back(9)), Some(set_back(10).wall));
        let first = line.passed(set_back(10)).unwrap();
        assert_eq!((first.latest, first.mark), (set_back(10).wall, at(10)), "marks rise");
        assert_eq!(line.passed(set_back(10)), Some(first), "it is not dealt with yet");
        deal(&mut line, set_back(10));
        let second = deal(&mut line, set_back(35)).unwrap();
        assert_eq!((second.mark, second.since), (at(30), at(25)), "by what has passed");
        assert_eq!(line.ahead(set_back(35)), Some(at(30)));
        assert_eq!(deal(&mut line, now(40)).unwrap().mark, at(40), "the clock is right again");
        assert_eq!(line.ahead(now(40)), None);
    }

    #[test]
    fn times_of_the_calendar_follow_a_wall_clock_that_is_set_and_never_repeat() {
        let hourly = Schedule::cron("0 * * * *").unwrap();
        let mut line = Timeline::resume(&hourly, Zone::UTC, at(1), now(1));
        let wall = |minutes: u64| Now { wall: at(minutes), ..now(1) };
        assert_eq!(deal(&mut line, wall(60)).unwrap().latest, at(60));
        assert_eq!(deal(&mut line, wall(0)), None, "set back by an hour");
        assert_eq!(deal(&mut line, wall(60)), None, "it was run already");
        assert_eq!(deal(&mut line, wall(120)).unwrap().earlier, vec![]);
        assert_eq!(
            line.look_at(wall(130)),
            Some(now(1).mono + LOOK_UP),
            "it looks up now and then"
        );
    }

    #[test]
    fn a_mark_that_is_ahead_is_waited_for_and_told() {
        let every = Schedule::Every(MINUTE * 10);
        let line = Timeline::resume(&every, Zone::UTC, at(5), now(0));
        assert_eq!((line.next(now(0)), line.ahead(now(0))), (Some(at(15)), None));
        assert_eq!(line.passed(now(14)), None);
        assert_eq!(line.passed(now(15)).unwrap().mark, at(15));
        assert_eq!(Timeline::resume(&every, Zone::UTC, at(11), now(0)).ahead(now(0)), Some(at(11)));
        let hourly = Schedule::cron("0 * * * *").unwrap();
        let mut line = Timeline::resume(&hourly, Zone::UTC, at(1), now(1));
        line.follow(at(180));
        assert_eq!((line.next(now(1)), line.ahead(now(1))), (Some(at(240)), Some(at(180))));
        line.follow(at(60));
        assert_eq!(line.ahead(now(179)), None, "it goes ahead only");
    }

    #[test]
    fn a_moment_is_asked_for_again_when_time_passed_in_it() {
        let torn = |from, to| (now(from).mono, now(to).wall, now(to).mono);
        let whole = |answers: &[(u64, u64)]| {
            let mut answers = answers.iter().map(|(from, to)| torn(*from, *to));
            let it = Now::whole(|| answers.next().unwrap());
            (it.mono, it.wall, answers.count())
        };
        assert_eq!(whole(&[(3, 3), (4, 4)]), (now(3).mono, at(3), 1));
        assert_eq!(whole(&[(3, 4), (4, 4), (5, 5)]), (now(4).mono, at(4), 1));
        assert_eq!(whole(&[(3, 4), (4, 5), (5, 6)]), (now(5).mono, at(6), 0), "not for ever");
    }

    #[test]
    fn very_many_missed_times_are_not_counted_to_the_end() {
        let every =
            Timeline::resume(&Schedule::Every(Duration::from_nanos(1)), Zone::UTC, at(0), now(60));
        assert_eq!(every.passed(now(60)).unwrap().earlier.len(), COUNTED);
        let cron = Schedule::cron("* * * * * *").unwrap();
        let cron = Timeline::resume(&cron, Zone::UTC, at(0), now(600));
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
