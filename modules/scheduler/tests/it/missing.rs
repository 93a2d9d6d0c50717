//! Times that pass while nobody is there.

use std::sync::Arc;

use purlin::clock::Clock;
use purlin_scheduler::{Job, JobStore, Jobs as _, MemoryJobs, Missed, Overlap, Skip, Trigger};

use crate::support::{Bench, MINUTE, SECOND, app, nothing, show};

const HOUR: std::time::Duration = std::time::Duration::from_secs(3_600);

#[tokio::test]
async fn after_a_pause_each_policy_does_what_it_says() {
    let hourly = |name: &'static str| Job::cron(name, "0 * * * *", nothing);
    let builder = app()
        .job(hourly("skip"))
        .job(hourly("once").missed(Missed::Once))
        .job(hourly("all").missed(Missed::All(3)))
        .job(Job::every("pace", HOUR, nothing).missed(Missed::All(100)));
    let bench = Bench::start(builder).await;
    // The process sees nothing of six hours and a half, as if it had been suspended.
    bench.advance(HOUR * 6 + MINUTE * 30).await;
    assert_eq!(bench.starts("skip"), []);
    assert_eq!(bench.skipped("skip", Skip::Missed), 6);
    assert_eq!(bench.starts("once"), [(Trigger::Missed, "01 06:00:00".to_owned())]);
    assert_eq!(bench.skipped("once", Skip::Missed), 5);
    assert_eq!(bench.times("all"), ["01 04:00:00", "01 05:00:00", "01 06:00:00"]);
    assert_eq!(bench.skipped("all", Skip::Missed), 3);
    assert_eq!(bench.times("pace").len(), 6);
    bench.advance(MINUTE * 30).await;
    for job in ["skip", "once", "all", "pace"] {
        let last = bench.starts(job).pop();
        assert_eq!(last, Some((Trigger::Schedule, "01 07:00:00".to_owned())), "{job}");
    }
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn a_run_that_is_a_little_late_is_on_time() {
    let builder =
        app().set("scheduler.late_after", "10s").job(Job::cron("strict", "0 * * * *", nothing));
    let bench = Bench::start(builder).await;
    bench.advance(HOUR + SECOND * 10).await;
    assert_eq!(bench.starts("strict"), [(Trigger::Schedule, "01 01:00:00".to_owned())]);
    bench.advance(HOUR + SECOND).await;
    assert_eq!(bench.skipped("strict", Skip::Missed), 1, "11 s are too late");
    assert_eq!(bench.starts("strict").len(), 1);
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn what_was_missed_runs_one_after_the_other() {
    let gate = crate::support::Gate::new();
    let job = crate::support::gated("slow").missed(Missed::All(3)).overlap(Overlap::Skip);
    let bench = Bench::start(app().supply(gate.clone()).job(job)).await;
    bench.advance_running(SECOND * 5).await;
    for (nth, time) in ["01 00:00:02", "01 00:00:03", "01 00:00:04"].into_iter().enumerate() {
        bench.until(|_| bench.times("slow").len() == nth + 1).await;
        assert_eq!(bench.times("slow")[nth], time);
        gate.open(1);
    }
    bench.idle().await;
    assert_eq!(bench.times("slow").len(), 3, "the one on time overlapped");
    assert_eq!(bench.skipped("slow", Skip::Overlap), 1);
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn a_restart_goes_on_where_the_last_one_was() {
    let store: Arc<dyn JobStore> = Arc::new(MemoryJobs::default());
    let (clock, hand) = Clock::held();
    let builder = || {
        app()
            .supply::<dyn JobStore>(store.clone())
            .job(Job::every("slow", HOUR * 24, nothing))
            .job(Job::cron("nightly", "30 2 * * *", nothing).missed(Missed::Once))
    };
    // Restarted every nine hours, a job of every 24 comes round all the same.
    for _ in 0..6 {
        let bench = Bench::start_on(builder(), clock.clone(), hand.clone()).await;
        bench.idle().await;
        bench.advance_in_steps(HOUR * 8, MINUTE * 10).await;
        assert!(bench.stop().await.is_clean());
        hand.advance(HOUR);
    }
    let runs = async |job| {
        let mut runs = store.runs(job, 10).await.unwrap();
        runs.reverse();
        runs.into_iter().map(|run| (run.trigger, show(run.due))).collect::<Vec<_>>()
    };
    let slow = [(Trigger::Schedule, "02 00:00:00"), (Trigger::Schedule, "03 00:00:00")];
    assert_eq!(runs("slow").await, slow.map(|(why, time)| (why, time.to_owned())));
    // 02:30 of the second day falls into the hour between two starts.
    let nightly = [
        (Trigger::Schedule, "01 02:30:00"),
        (Trigger::Missed, "02 02:30:00"),
        (Trigger::Schedule, "03 02:30:00"),
    ];
    assert_eq!(runs("nightly").await, nightly.map(|(why, time)| (why, time.to_owned())));
}
