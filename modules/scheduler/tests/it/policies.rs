//! Overlap, deadline, errors, panics, retries, limits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use purlin::{
    clock::Clock,
    error::{Result, bail},
};
use purlin_scheduler::{
    Job, JobCx, JobEvent, JobRun, Jobs as _, Outcome, Overlap, Rate, Retry, Skip, Trigger,
};

use crate::support::{Bench, Gate, MINUTE, SECOND, app, gated, nothing, show};

#[tokio::test]
async fn what_overlaps_is_skipped() {
    let gate = Gate::new();
    let bench = Bench::start(app().supply(gate.clone()).job(gated("slow"))).await;
    for _ in 0..3 {
        bench.advance_running(SECOND).await;
    }
    // The run begins on a task of its own, which may come later than the next second.
    bench.until(|_| bench.times("slow") == ["01 00:00:01"]).await;
    assert_eq!(bench.skipped("slow", Skip::Overlap), 2);
    gate.open(1);
    bench.until(|_| bench.ends("slow").len() == 1).await;
    bench.idle().await;
    bench.advance_running(SECOND).await;
    bench.until(|_| bench.times("slow") == ["01 00:00:01", "01 00:00:04"]).await;
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn one_run_waits_for_the_other() {
    let gate = Gate::new();
    let job = gated("slow").overlap(Overlap::Queue);
    let bench = Bench::start(app().supply(gate.clone()).job(job)).await;
    for _ in 0..4 {
        bench.advance_running(SECOND).await;
    }
    assert_eq!(bench.skipped("slow", Skip::Overlap), 2);
    gate.open(1);
    bench.until(|_| bench.times("slow") == ["01 00:00:01", "01 00:00:02"]).await;
    gate.open(1);
    bench.until(|_| bench.ends("slow").len() == 2).await;
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn so_many_run_at_once() {
    let gate = Gate::new();
    let job = gated("slow").overlap(Overlap::Concurrent(3));
    let bench = Bench::start(app().supply(gate.clone()).job(job)).await;
    for seconds in 1..=5 {
        bench.advance_running(SECOND).await;
        bench.until(|_| bench.times("slow").len() == seconds.min(3)).await;
    }
    assert_eq!(bench.scheduler.job("slow").unwrap().running.len(), 3);
    assert_eq!(bench.skipped("slow", Skip::Overlap), 2);
    gate.open(3);
    bench.until(|_| bench.ends("slow").len() == 3).await;
    let took: Vec<_> = bench.ends("slow").iter().map(|run| run.took.as_secs()).collect();
    assert_eq!(took.iter().sum::<u64>(), 4 + 3 + 2);
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn a_run_is_given_up_at_its_deadline() {
    let gate = Gate::new();
    let job = gated("slow").deadline(Duration::from_millis(2_500));
    let bench = Bench::start(app().supply(gate.clone()).job(job)).await;
    bench.advance_running(SECOND).await;
    bench.until(|_| bench.times("slow").len() == 1).await;
    bench.advance_running(Duration::from_millis(2_499)).await;
    assert_eq!(bench.ends("slow").len(), 0);
    bench.advance_running(Duration::from_millis(1)).await;
    bench.until(|_| bench.ends("slow").len() == 1).await;
    let run = bench.ends("slow").remove(0);
    assert_eq!((run.outcome, run.took), (Outcome::TimedOut, Duration::from_millis(2_500)));
    assert_eq!(run.error.as_deref(), Some("not done within 2.5s"));
    assert_eq!(*gate.left.lock().unwrap(), ["given up"]);
    bench.idle().await;
    bench.advance_running(SECOND).await;
    bench.until(|_| bench.times("slow").len() == 2).await;
    assert!(bench.stop().await.is_clean());
}

/// On the clock of the system: work that is always ready uses up what its task may do in one poll,
/// and must leave enough for the deadline.
#[tokio::test]
async fn a_run_that_never_waits_is_given_up_at_its_deadline() {
    async fn busy() -> Result<()> {
        loop {
            std::thread::yield_now();
            tokio::task::consume_budget().await;
        }
    }

    let (_, hand) = Clock::held();
    let job = Job::manual("busy", busy).deadline(Duration::from_millis(50));
    let bench = Bench::start_on(app().job(job), Clock::system(), hand).await;
    bench.scheduler.trigger("busy").await.unwrap();
    bench.until(|_| bench.ends("busy").len() == 1).await;
    assert_eq!(bench.ends("busy")[0].outcome, Outcome::TimedOut);
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn a_panic_ends_its_run_and_no_other() {
    let times = Arc::new(AtomicU32::new(0));
    let builder = app()
        .supply(times.clone())
        .job(
            Job::every("bad", SECOND, |times: Arc<AtomicU32>| async move {
                let time = times.fetch_add(1, Ordering::Relaxed);
                assert_ne!(time, 0, "the first time is bad");
                Ok(())
            })
            .retry(Retry::times(5)),
        )
        .job(Job::every("good", SECOND, nothing));
    let bench = Bench::start(builder).await;
    bench.advance_in_steps(SECOND * 3, SECOND).await;
    bench.until(|_| bench.ends("bad").len() == 3 && bench.ends("good").len() == 3).await;
    let bad = bench.ends("bad");
    assert_eq!(
        bad.iter().map(|run| run.outcome).collect::<Vec<_>>(),
        [Outcome::Panicked, Outcome::Succeeded, Outcome::Succeeded]
    );
    assert!(bad[0].error.as_ref().unwrap().contains("the first time is bad"));
    assert_eq!(bad[0].attempts, 1, "a panic is not retried");
    assert!(bench.ends("good").iter().all(|run| run.outcome == Outcome::Succeeded));
    assert!(bench.stop().await.is_clean(), "the application went on");
}

#[tokio::test]
async fn a_failure_is_retried_with_growing_pauses() {
    let times = Arc::new(AtomicU32::new(0));
    let job = Job::manual("flaky", |cx: JobCx, times: Arc<AtomicU32>| async move {
        assert_eq!(cx.attempt(), times.fetch_add(1, Ordering::Relaxed) + 1);
        if cx.attempt() < 4 {
            bail!("attempt {} went wrong", cx.attempt());
        }
        Ok(())
    });
    let bench = Bench::start(app().supply(times).job(job.retry(Retry::times(3)))).await;
    bench.scheduler.trigger("flaky").await.unwrap();
    for (attempt, pause) in [(1, SECOND), (2, SECOND * 2), (3, SECOND * 4)] {
        bench.until(|events| {
            events.iter().any(|event| matches!(event, JobEvent::Retrying { attempt: it, .. } if *it == attempt))
        }).await;
        // A pause varies by a fifth.
        bench.hand.advance(pause.mul_f64(0.79));
        tokio::task::yield_now().await;
        assert_eq!(bench.ends("flaky").len(), 0);
        bench.hand.advance(pause.mul_f64(0.42));
    }
    bench.until(|_| bench.ends("flaky").len() == 1).await;
    let run = bench.ends("flaky").remove(0);
    assert_eq!((run.outcome, run.attempts, run.trigger), (Outcome::Succeeded, 4, Trigger::Manual));
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn the_last_error_is_kept_with_its_causes() {
    let job = Job::manual("broken", || async {
        Err(purlin::error::anyhow!("the disk is full").context("the report could not be written"))
    });
    let bench = Bench::start(app().job(job)).await;
    bench.scheduler.trigger("broken").await.unwrap();
    bench.until(|_| bench.ends("broken").len() == 1).await;
    let run = bench.ends("broken").remove(0);
    assert_eq!(run.outcome, Outcome::Failed);
    assert_eq!(run.error.as_deref(), Some("the report could not be written: the disk is full"));
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn a_job_starts_no_more_often_than_its_rate() {
    let job = Job::every("often", SECOND, nothing)
        .overlap(Overlap::Concurrent(100))
        .rate(Rate::new(2, SECOND * 10));
    let bench = Bench::start(app().job(job)).await;
    // Two at 1 s and 2 s; two a whole span later; none of the others yet.
    for second in 1..=20 {
        bench.advance_running(SECOND).await;
        let expected = [1, 2, 11, 12].iter().filter(|start| **start <= second).count();
        bench.until(|_| bench.ends("often").len() == expected).await;
    }
    assert_eq!(bench.scheduler.job("often").unwrap().waiting, 16);
    let mut started: Vec<_> = bench.ends("often").iter().map(|run| show(run.started)).collect();
    started.sort();
    assert_eq!(started, ["01 00:00:01", "01 00:00:02", "01 00:00:11", "01 00:00:12"]);
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn all_jobs_share_the_places_and_the_rate() {
    let builder = |key, value: usize| {
        let gate = Gate::new();
        let app = app().set(key, value).supply(gate.clone());
        (gate, app.job(gated("one")).job(gated("other")).job(gated("third")))
    };
    let going =
        |bench: &Bench| bench.scheduler.jobs().iter().map(|job| job.running.len()).sum::<usize>();

    let (gate, places) = builder("scheduler.max_concurrent", 2);
    let bench = Bench::start(places).await;
    bench.advance_running(SECOND).await;
    bench.until(|events| events.len() == 2).await;
    assert_eq!(going(&bench), 2);
    gate.open(1);
    bench
        .until(|events| {
            events.iter().filter(|it| matches!(it, JobEvent::Started { .. })).count() == 3
        })
        .await;
    assert_eq!(going(&bench), 2);
    assert!(bench.stop().await.is_clean());

    let (_gate, rate) = builder("scheduler.max_starts_per_second", 1);
    let bench = Bench::start(rate).await;
    bench.advance_running(SECOND).await;
    for count in 1..=3 {
        bench.until(|_| going(&bench) == count).await;
        tokio::task::yield_now().await;
        assert_eq!(going(&bench), count);
        bench.advance_running(SECOND).await;
    }
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn jitter_spreads_what_is_due_at_once() {
    let mut builder = app().entropy(purlin::entropy::Entropy::seeded(1));
    for nth in 0..20 {
        builder = builder.job(
            Job::every(format!("job {nth}"), MINUTE, |_: Clock| nothing()).jitter(SECOND * 30),
        );
    }
    let bench = Bench::start(builder).await;
    bench.advance_running(MINUTE).await;
    // Each job looks ahead, and each run waits for its moment.
    bench.hand.sleepers(40).await;
    let ended =
        || -> Vec<_> { (0..20).flat_map(|nth| bench.ends(&format!("job {nth}"))).collect() };
    for nth in 1..=20 {
        bench.hand.advance_to_next().unwrap();
        bench.until(|_| ended().len() == nth).await;
    }
    let delay = |run: &JobRun| run.started.duration_since(run.due).unwrap();
    let mut delays: Vec<_> = ended().iter().map(delay).collect();
    delays.sort();
    assert!(delays[0] < SECOND * 5 && delays[19] > SECOND * 25, "{delays:?}");
    assert!(delays[19] < SECOND * 30, "{delays:?}");
    assert!(delays.windows(2).all(|two| two[0] < two[1]), "no two begin at once: {delays:?}");
    assert!(bench.stop().await.is_clean());
}
