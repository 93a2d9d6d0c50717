//! Days on which clocks are turned, and ends of months, on the virtual clock.

use std::sync::Arc;

use purlin::app::AppBuilder;
use purlin_scheduler::{Job, JobStore, Jobs as _, MemoryJobs, Skip};
use purlin_testing::eventually;

use crate::support::{Bench, MINUTE, app, at, nothing};

/// A zone, from when to watch it, the runs of `30 2 * * *`, and those of `30 * * * *` in the night.
struct Night {
    zone: &'static str,
    from: &'static str,
    fixed: &'static str,
    fixed_due: [&'static str; 2],
    hourly_due: &'static [&'static str],
}

/// In UTC, as `day hour:minute:second`.
const NIGHTS: [Night; 6] = [
    Night {
        zone: "Europe/Berlin",
        from: "2030-03-30T23:00:00Z",
        fixed: "30 2 * * *",
        fixed_due: ["31 01:00:00", "01 00:30:00"],
        hourly_due: &["30 23:30:00", "31 00:30:00", "31 01:30:00", "31 02:30:00"],
    },
    Night {
        zone: "Europe/Berlin",
        from: "2030-10-26T22:00:00Z",
        fixed: "30 2 * * *",
        fixed_due: ["27 00:30:00", "28 01:30:00"],
        hourly_due: &["26 22:30:00", "26 23:30:00", "27 00:30:00", "27 01:30:00"],
    },
    Night {
        zone: "America/New_York",
        from: "2030-03-10T05:00:00Z",
        fixed: "30 2 * * *",
        fixed_due: ["10 07:00:00", "11 06:30:00"],
        hourly_due: &["10 05:30:00", "10 06:30:00", "10 07:30:00", "10 08:30:00"],
    },
    Night {
        zone: "America/New_York",
        from: "2030-11-03T04:00:00Z",
        fixed: "30 1 * * *",
        fixed_due: ["03 05:30:00", "04 06:30:00"],
        hourly_due: &["03 04:30:00", "03 05:30:00", "03 06:30:00", "03 07:30:00"],
    },
    Night {
        zone: "Australia/Lord_Howe",
        from: "2030-10-05T14:00:00Z",
        fixed: "15 2 * * *",
        fixed_due: ["05 15:30:00", "06 15:15:00"],
        // 02:30 comes right after 01:59, and an hour of half an hour's length is still an hour.
        hourly_due: &["05 15:00:00", "05 15:30:00", "05 16:30:00", "05 17:30:00"],
    },
    Night {
        zone: "Australia/Lord_Howe",
        from: "2030-04-06T14:00:00Z",
        fixed: "45 1 * * *",
        fixed_due: ["06 14:45:00", "07 15:15:00"],
        hourly_due: &["06 14:30:00", "06 15:00:00", "06 16:00:00", "06 17:00:00"],
    },
];

#[tokio::test]
async fn clocks_are_turned_both_ways_in_three_zones() {
    let mut runs = 0;
    for night in NIGHTS {
        let Night { zone, from, fixed, fixed_due, hourly_due } = night;
        let builder = app()
            .job(Job::cron("fixed", fixed, nothing).zone(zone))
            .job(Job::cron("hourly", "30 * * * *", nothing).zone(zone));
        let bench = Bench::start_at(builder, from).await;
        bench.advance_in_steps(MINUTE * 60 * 4, MINUTE * 5).await;
        let hourly = bench.times("hourly");
        bench.advance_in_steps(MINUTE * 60 * 24, MINUTE * 5).await;
        let fixed = bench.times("fixed");
        assert_eq!(fixed, fixed_due, "{zone} from {from}");
        assert_eq!(hourly[..4], *hourly_due, "{zone} from {from}");
        runs += fixed.len() + bench.times("hourly").len();
        assert!(bench.stop().await.is_clean());
    }
    println!("{} nights of 28 hours each in 3 zones: {runs} runs at their times", NIGHTS.len());
}

#[tokio::test]
async fn months_end_when_they_end() {
    let builder = app()
        .job(Job::cron("last", "0 12 L * *", nothing))
        .job(Job::cron("31st", "0 12 31 * *", nothing))
        .job(Job::cron("berlin", "30 0 1 * *", nothing).zone("Europe/Berlin"));
    let bench = Bench::start_at(builder, "2032-01-01T00:00:00Z").await;
    bench.advance_in_steps(MINUTE * 60 * 24 * 152, MINUTE * 30).await;
    let days = |name| bench.times(name).iter().map(|time| time[..2].to_owned()).collect::<Vec<_>>();
    assert_eq!(days("last"), ["31", "29", "31", "30", "31"], "2032 is a leap year");
    assert_eq!(days("31st"), ["31", "31", "31"]);
    let berlin = bench.times("berlin");
    assert_eq!(berlin, ["31 23:30:00", "29 23:30:00", "31 22:30:00", "30 22:30:00", "31 22:30:00"]);
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn the_zone_of_the_configuration_holds_where_a_job_names_none() {
    let builder = app()
        .set("scheduler.zone", "Asia/Kathmandu")
        .job(Job::cron("noon", "0 12 * * *", nothing))
        .job(Job::cron("utc", "0 12 * * *", nothing).zone("UTC"));
    let bench = Bench::start(builder).await;
    bench.advance_in_steps(MINUTE * 60 * 24, MINUTE * 15).await;
    assert_eq!(bench.times("noon"), ["01 06:15:00"]);
    assert_eq!(bench.times("utc"), ["01 12:00:00"]);
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn a_wall_clock_that_is_set_moves_the_calendar_and_not_the_pace() {
    let calendar = || Job::cron("calendar", "0 * * * *", nothing);
    let pace = || Job::every("pace", MINUTE * 10, nothing);
    steps_of_the_clock(app().job(calendar()).job(pace())).await;
    steps_of_the_clock(app().job(calendar().leader_only()).job(pace().leader_only())).await;
}

async fn steps_of_the_clock(builder: AppBuilder) {
    let bench = Bench::start(builder).await;
    bench.all_active().await;
    bench.advance_in_steps(MINUTE * 9, MINUTE).await;
    bench.hand.step(3_600 - 9 * 60);
    // It looks up at least every half a minute.
    bench.advance(MINUTE / 2).await;
    assert_eq!(bench.times("calendar"), ["01 01:00:00"]);
    assert_eq!(bench.times("pace").len(), 0);
    bench.advance(MINUTE / 2).await;
    assert_eq!(bench.times("pace").len(), 1);
    bench.hand.step(-1_800);
    bench.hand.advance(MINUTE / 2);
    // What is shown is of the clock as it was, until the job looks up.
    let again = Some(at("2030-01-01T00:45:00Z"));
    eventually(async || bench.scheduler.job("pace").unwrap().next < again).await;
    bench.advance_in_steps(MINUTE * 39 + MINUTE / 2, MINUTE / 2).await;
    assert_eq!(bench.times("calendar").len(), 1, "no time is run twice");
    assert_eq!(bench.times("pace").len(), 5, "the pace goes on");
    assert_eq!(bench.skipped("pace", Skip::Claimed), 0);
    assert_eq!(bench.marks_ahead("pace"), ["01 01:01:00"], "told once");
    assert_eq!(bench.marks_ahead("calendar"), ["01 01:00:00"], "told once");
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn a_mark_that_a_wrong_clock_has_left_is_told_and_stops_no_pace() {
    let store: Arc<dyn JobStore> = Arc::new(MemoryJobs::default());
    for job in ["calendar", "pace", "near"] {
        let mark = at(if job == "near" { "2030-01-01T00:05:00Z" } else { "2031-01-01T00:00:00Z" });
        assert!(store.claim(job, mark, mark).await.unwrap());
    }
    let builder = app()
        .supply::<dyn JobStore>(store.clone())
        .job(Job::cron("calendar", "0 * * * *", nothing).leader_only())
        .job(Job::every("pace", MINUTE * 10, nothing).leader_only())
        .job(Job::every("near", MINUTE * 10, nothing).leader_only());
    let bench = Bench::start(builder).await;
    // The events of the start may come before anybody listens; the pages tell all the same.
    bench.all_active().await;
    assert_eq!(bench.scheduler.job("calendar").unwrap().next, Some(at("2031-01-01T01:00:00Z")));
    bench.advance_in_steps(MINUTE * 60, MINUTE).await;
    assert_eq!(bench.times("calendar").len(), 0);
    assert_eq!(bench.times("pace")[..2], ["01 00:10:00", "01 00:20:00"]);
    assert_eq!(bench.times("pace").len(), 6);
    assert_eq!(bench.times("near")[..2], ["01 00:15:00", "01 00:25:00"]);
    assert!(store.mark("pace").await.unwrap() < Some(at("2030-01-01T02:00:00Z")), "it is mended");
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn a_mark_that_another_leader_leaves_in_the_future_is_told_and_followed() {
    let store: Arc<dyn JobStore> = Arc::new(MemoryJobs::default());
    let builder = app()
        .supply::<dyn JobStore>(store.clone())
        .job(Job::cron("calendar", "0 * * * *", nothing).leader_only())
        .job(Job::every("pace", MINUTE * 10, nothing).leader_only());
    let bench = Bench::start(builder).await;
    bench.all_active().await;
    let wrong = at("2030-01-01T03:30:00Z");
    for job in ["calendar", "pace"] {
        assert!(store.claim(job, wrong, wrong).await.unwrap());
    }
    bench.advance_in_steps(MINUTE * 60, MINUTE).await;
    assert_eq!(bench.skipped("pace", Skip::Claimed), 1, "one beat, and no more");
    assert_eq!(bench.times("pace").len(), 5);
    assert_eq!(bench.marks_ahead("pace"), ["01 03:30:00"]);
    assert_eq!(bench.marks_ahead("calendar"), ["01 03:30:00"]);
    assert_eq!(bench.scheduler.job("calendar").unwrap().next, Some(at("2030-01-01T04:00:00Z")));
    assert!(bench.stop().await.is_clean());
}
