//! Against literal times, and against an evaluator that looks at every minute.

use std::{
    cell::Cell,
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use chrono::{
    DateTime, Datelike as _, NaiveDateTime, TimeDelta, TimeZone as _, Timelike as _, Utc,
};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;

fn cron(pattern: &str, zone: &str) -> Cron {
    Cron::new(pattern).unwrap().zone(zone.parse().unwrap())
}

fn at(text: &str) -> SystemTime {
    DateTime::parse_from_rfc3339(text).unwrap().into()
}

/// All runs after `from` and until `until`, in the time of the zone.
fn runs(pattern: &str, zone: &str, from: &str, until: &str) -> Vec<String> {
    let cron = cron(pattern, zone);
    let tz: Tz = zone.parse().unwrap();
    forward(&cron, at(from), at(until))
        .into_iter()
        .map(|run| DateTime::<Utc>::from(run).with_timezone(&tz).format("%d %H:%M %:z").to_string())
        .collect()
}

fn forward(cron: &Cron, from: SystemTime, until: SystemTime) -> Vec<SystemTime> {
    let next = |time: &SystemTime| cron.next_after(*time).filter(|next| *next <= until);
    std::iter::successors(next(&from), next).collect()
}

fn backward(cron: &Cron, from: SystemTime, until: SystemTime) -> Vec<SystemTime> {
    let last = |time: Option<SystemTime>| time.filter(|last| *last > from);
    let all =
        std::iter::successors(last(cron.last_until(until)), |time| last(cron.last_before(*time)));
    let mut all: Vec<_> = all.collect();
    all.reverse();
    all
}

#[test]
fn a_skipped_time_runs_once_after_the_gap() {
    let berlin =
        runs("30 2 * * *", "Europe/Berlin", "2030-03-30T00:00:00Z", "2030-04-02T00:00:00Z");
    assert_eq!(berlin, ["30 02:30 +01:00", "31 03:00 +02:00", "01 02:30 +02:00"]);
    let new_york =
        runs("*/20 2 * * *", "America/New_York", "2030-03-09T12:00:00Z", "2030-03-11T12:00:00Z");
    assert_eq!(
        new_york,
        ["10 03:00 -04:00", "11 02:00 -04:00", "11 02:20 -04:00", "11 02:40 -04:00"]
    );
    let lord_howe =
        runs("15 2 * * *", "Australia/Lord_Howe", "2030-10-04T20:00:00Z", "2030-10-06T20:00:00Z");
    assert_eq!(lord_howe, ["06 02:30 +11:00", "07 02:15 +11:00"]);
}

#[test]
fn a_repeated_time_runs_the_first_time() {
    let berlin =
        runs("30 2 * * *", "Europe/Berlin", "2030-10-26T00:00:00Z", "2030-10-29T00:00:00Z");
    assert_eq!(berlin, ["26 02:30 +02:00", "27 02:30 +02:00", "28 02:30 +01:00"]);
    let new_york =
        runs("0,30 1 * * *", "America/New_York", "2030-11-02T12:00:00Z", "2030-11-04T12:00:00Z");
    assert_eq!(
        new_york,
        ["03 01:00 -04:00", "03 01:30 -04:00", "04 01:00 -05:00", "04 01:30 -05:00"]
    );
    let lord_howe =
        runs("45 1 * * *", "Australia/Lord_Howe", "2030-04-05T20:00:00Z", "2030-04-07T20:00:00Z");
    assert_eq!(lord_howe, ["07 01:45 +11:00", "08 01:45 +10:30"]);
}

#[test]
fn with_any_hour_real_time_counts() {
    let gap = runs("30 * * * *", "Europe/Berlin", "2030-03-31T00:00:00Z", "2030-03-31T02:59:00Z");
    assert_eq!(gap, ["31 01:30 +01:00", "31 03:30 +02:00", "31 04:30 +02:00"]);
    let fold =
        runs("30 * * * *", "America/New_York", "2030-11-03T04:00:00Z", "2030-11-03T07:59:00Z");
    assert_eq!(fold, ["03 00:30 -04:00", "03 01:30 -04:00", "03 01:30 -05:00", "03 02:30 -05:00"]);
    let half =
        runs("*/15 * * * *", "Australia/Lord_Howe", "2030-04-06T14:44:00Z", "2030-04-06T15:31:00Z");
    assert_eq!(half, ["07 01:45 +11:00", "07 01:30 +10:30", "07 01:45 +10:30", "07 02:00 +10:30"]);
}

#[test]
fn a_whole_day_can_be_skipped() {
    // Samoa crossed the date line at the end of 29 December 2011.
    let apia = runs("0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2012-01-01T00:00:00Z");
    assert_eq!(apia, ["29 12:00 -10:00", "31 00:00 +14:00", "31 12:00 +14:00", "01 12:00 +14:00"]);
}

#[test]
fn months_end_when_they_end() {
    let last = |from, until| runs("0 0 L * *", "UTC", from, until);
    let of_2030 = last("2030-01-01T00:00:00Z", "2030-06-30T12:00:00Z");
    let days: Vec<_> = of_2030.iter().map(|run| &run[..2]).collect();
    assert_eq!(days, ["31", "28", "31", "30", "31", "30"]);
    assert_eq!(last("2032-02-01T00:00:00Z", "2032-03-01T00:00:00Z"), ["29 00:00 +00:00"]);
    let days_31 = runs("0 0 31 * *", "UTC", "2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z");
    assert_eq!(days_31.len(), 7, "months without a 31st have no run: {days_31:?}");
    let leap = cron("0 0 29 2 *", "UTC").next_after(at("2030-01-01T00:00:00Z"));
    assert_eq!(leap, Some(at("2032-02-29T00:00:00Z")));
}

#[test]
fn nearest_weekdays_and_nth_days() {
    let friday = runs("0 9 * * FRI#2", "UTC", "2030-01-01T00:00:00Z", "2030-02-28T00:00:00Z");
    assert_eq!(friday, ["11 09:00 +00:00", "08 09:00 +00:00"]);
    let nearest = runs("0 9 15W 6 *", "UTC", "2030-01-01T00:00:00Z", "2030-12-31T00:00:00Z");
    assert_eq!(nearest, ["14 09:00 +00:00"], "15 June 2030 is a Saturday");
    let both = runs("0 0 13 * +FRI", "UTC", "2030-01-01T00:00:00Z", "2030-12-31T00:00:00Z");
    assert_eq!(both, ["13 00:00 +00:00", "13 00:00 +00:00"], "Fridays the 13th");
}

#[test]
fn seconds_are_kept_apart_from_their_fractions() {
    let every_second = cron("* * * * * *", "UTC");
    let half = at("2030-01-01T00:00:00.500Z");
    assert_eq!(every_second.next_after(half), Some(at("2030-01-01T00:00:01Z")));
    assert_eq!(every_second.last_until(half), Some(at("2030-01-01T00:00:00Z")));
}

#[test]
fn what_is_no_schedule_is_told_why() {
    let told = |text: &str| text.parse::<Schedule>().unwrap_err().to_string();
    assert!(told("soon").starts_with("`soon` is no schedule: "), "{}", told("soon"));
    assert_eq!(told("0 0 31 2 *"), "`0 0 31 2 *` never comes: there is no such day");
    assert_eq!(told("0s"), "a period must be at least 1 ms");
    let zoned = |text: &str| text.parse::<Schedule>().unwrap().zone("Europe/Berlin");
    assert_eq!(zoned("5m"), Err(ScheduleError::Zoneless("every 5m".to_owned())));
    assert_eq!("manual".parse(), Ok(Schedule::Manual));
    assert_eq!("every 90s".parse(), Ok(Schedule::Every(Duration::from_secs(90))));
    let unknown = Schedule::cron("@daily").unwrap().zone("Berlin");
    assert_eq!(unknown, Err(ScheduleError::Zone("Berlin".to_owned())));
}

/// The values of a field, and how it is written; `None` for a lone `*`.
type Field = (String, Option<BTreeSet<u32>>);

fn field(min: u32, max: u32) -> impl Strategy<Value = Field> {
    let one = (min..=max).prop_map(|value| (value.to_string(), BTreeSet::from([value])));
    let range = (min..=max, min..=max, 1..=7_u32).prop_map(|(one, other, step)| {
        let (low, high) = (one.min(other), one.max(other));
        let values = (low..=high).step_by(usize::try_from(step).unwrap()).collect();
        (format!("{low}-{high}/{step}"), values)
    });
    let item = prop_oneof![3 => one, 1 => range];
    let list = prop::collection::vec(item, 1..4).prop_map(|items| {
        let text: Vec<_> = items.iter().map(|(text, _)| text.as_str()).collect();
        (text.join(","), Some(items.iter().flat_map(|(_, values)| values).copied().collect()))
    });
    prop_oneof![1 => Just(("*".to_owned(), None)), 2 => list]
}

fn steps(max: u32) -> impl Strategy<Value = Field> {
    (2..=max / 2).prop_map(move |step| {
        let values = (0..=max).step_by(usize::try_from(step).unwrap()).collect();
        (format!("*/{step}"), Some(values))
    })
}

/// A cron pattern, evaluated by looking at every minute.
#[derive(Debug, Clone)]
struct Naive {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

impl Naive {
    fn pattern(&self) -> String {
        let fields = [&self.minutes, &self.hours, &self.days, &self.months, &self.weekdays];
        fields.map(|(text, _)| text.as_str()).join(" ")
    }

    fn shows(&self, wall: NaiveDateTime) -> bool {
        let has =
            |(_, values): &Field, value| values.as_ref().is_none_or(|all| all.contains(&value));
        let weekday = wall.weekday().num_days_from_sunday();
        let (day, weekday) = (has(&self.days, wall.day()), has(&self.weekdays, weekday));
        let is_day = match (&self.days.1, &self.weekdays.1) {
            (Some(_), Some(_)) => day || weekday,
            _ => day && weekday,
        };
        is_day
            && has(&self.minutes, wall.minute())
            && has(&self.hours, wall.hour())
            && has(&self.months, wall.month())
    }

    /// The runs after `from` and until `until`: whole minutes.
    fn runs(&self, tz: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<SystemTime> {
        let minute = TimeDelta::minutes(1);
        let mut runs = Vec::new();
        // The latest time that the wall has shown, of which what it shows next may fall short.
        let mut now = from - TimeDelta::days(2);
        let mut shown = now.with_timezone(&tz).naive_local();
        while now < until {
            now += minute;
            let wall = now.with_timezone(&tz).naive_local();
            let is_run = if self.hours.0.contains('*') {
                self.shows(wall)
            } else {
                let mut is_run = false;
                while shown < wall {
                    shown += minute;
                    is_run |= self.shows(shown);
                }
                is_run
            };
            if is_run && now > from {
                runs.push(now.into());
            }
        }
        runs
    }
}

prop_compose! {
    fn naive()(
        minutes in prop_oneof![4 => field(0, 59), 1 => steps(59)],
        hours in prop_oneof![4 => field(0, 23), 1 => steps(23), 2 => field(0, 3)],
        days in field(1, 31),
        months in prop_oneof![3 => Just(("*".to_owned(), None)), 1 => field(1, 12)],
        weekdays in field(0, 6),
    ) -> Naive {
        Naive { minutes, hours, days, months, weekdays }
    }
}

/// Zones that change by an hour, by half an hour, at midnight, by a whole day, in Ramadan, never.
const ZONES: [&str; 9] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Asia/Beirut",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "UTC",
];

/// The days of 2010 to 2030 on which clocks are turned.
fn changes(tz: Tz) -> Vec<DateTime<Utc>> {
    let first = Utc.with_ymd_and_hms(2010, 1, 1, 0, 0, 0).unwrap();
    let days = (0..365 * 20).map(|day| first + TimeDelta::days(day));
    let offset = |time: DateTime<Utc>| {
        let local = time.with_timezone(&tz).naive_local();
        local - time.naive_utc()
    };
    days.filter(|day| offset(*day) != offset(*day + TimeDelta::days(1))).collect()
}

#[test]
fn it_agrees_with_an_evaluator_that_looks_at_every_minute() {
    let zones: Vec<(Tz, Vec<_>)> =
        ZONES.map(|zone| zone.parse().unwrap()).map(|tz| (tz, changes(tz))).to_vec();
    let (cases, compared, at_changes) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let strategy =
        (naive(), 0..zones.len(), any::<prop::sample::Index>(), 0..2_880_i64, any::<bool>());
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let outcome = runner.run(&strategy, |(naive, zone, day, minute, at_change)| {
        let (tz, changes) = &zones[zone];
        let base = match at_change && !changes.is_empty() {
            true => *day.get(changes) - TimeDelta::days(1),
            false => {
                Utc.with_ymd_and_hms(2020, 1, 1, 0, 0, 0).unwrap()
                    + TimeDelta::days(i64::try_from(day.index(3_650)).unwrap())
            }
        };
        let from = base + TimeDelta::minutes(minute % 1_440);
        let until = from + TimeDelta::days(3);
        let Ok(cron) = Cron::new(&naive.pattern()) else {
            // A pattern that never comes, such as 31 February.
            let never = Utc.with_ymd_and_hms(2020, 1, 1, 0, 0, 0).unwrap();
            prop_assert!(naive.runs(*tz, never, never + TimeDelta::days(366)).is_empty());
            return Ok(());
        };
        let cron = cron.zone(Zone(*tz));
        let expected = naive.runs(*tz, from, until);
        let shown = |runs: &[SystemTime]| -> Vec<String> {
            runs.iter()
                .map(|run| DateTime::<Utc>::from(*run).with_timezone(tz).to_rfc3339())
                .collect()
        };
        let about = format!("{} {tz} from {from}", naive.pattern());
        prop_assert_eq!(
            shown(&forward(&cron, from.into(), until.into())),
            shown(&expected),
            "forward: {}",
            about
        );
        prop_assert_eq!(
            shown(&backward(&cron, from.into(), until.into())),
            shown(&expected),
            "backward: {}",
            about
        );
        cases.set(cases.get() + 1);
        compared.set(compared.get() + expected.len());
        at_changes.set(at_changes.get() + u32::from(at_change && !changes.is_empty()));
        Ok(())
    });
    let (cases, compared, at_changes) = (cases.get(), compared.get(), at_changes.get());
    println!(
        "{cases} patterns over 3 days each, {at_changes} of them where clocks are turned: \
         {compared} runs agree, forward and backward"
    );
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!(compared > 10_000, "the cases compared next to nothing");
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_or_refused(text in "[-*/,0-9LW#?+@A-Za-z ]{0,40}") {
        if let Ok(Schedule::Cron(cron)) = text.parse::<Schedule>() {
            let now = at("2030-01-01T00:00:00Z");
            prop_assert!(cron.next_after(now).is_none_or(|next| next > now));
        }
    }
}
