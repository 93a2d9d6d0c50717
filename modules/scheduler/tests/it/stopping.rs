//! What becomes of runs when the application stops.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use purlin_scheduler::{
    Job, JobCx, JobStore, Jobs as _, MemoryJobs, Outcome, Overlap, Retry, Skip, StopMode,
};

use crate::support::{Bench, Gate, SECOND, app, gated, nothing};

async fn last(store: &dyn JobStore, job: &str) -> (Outcome, u32) {
    let run = store.runs(job, 1).await.unwrap().remove(0);
    (run.outcome, run.attempts)
}

#[tokio::test]
async fn an_immediate_stop_gives_the_run_up() {
    let (gate, store) = (Gate::new(), Arc::new(MemoryJobs::default()));
    let builder =
        app().supply(gate.clone()).supply::<dyn JobStore>(store.clone()).job(gated("slow"));
    let bench = Bench::start(builder).await;
    bench.advance_running(SECOND).await;
    bench.until(|_| bench.times("slow").len() == 1).await;
    assert!(bench.stop().await.is_clean());
    assert_eq!(*gate.left.lock().unwrap(), ["given up"]);
    assert_eq!(last(&*store, "slow").await, (Outcome::Stopped, 1));
}

#[tokio::test]
async fn a_graceful_stop_lets_the_run_finish() {
    let (gate, store) = (Gate::new(), Arc::new(MemoryJobs::default()));
    let builder = app()
        .supply(gate.clone())
        .supply::<dyn JobStore>(store.clone())
        .job(gated("slow").stop_mode(StopMode::Graceful).overlap(Overlap::Queue));
    let bench = Bench::start(builder).await;
    for _ in 0..2 {
        bench.advance_running(SECOND).await;
    }
    bench.until(|_| bench.times("slow").len() == 1).await;
    bench.app.shutdown().request("the test stops it", 0);
    bench.until(|_| bench.skipped("slow", Skip::Stopped) == 1).await;
    assert!(gate.left.lock().unwrap().is_empty(), "the run goes on, the one that waited does not");
    assert!(bench.scheduler.trigger("slow").await.is_err(), "nothing new is started");
    gate.open(1);
    assert!(bench.stop().await.is_clean());
    assert_eq!(*gate.left.lock().unwrap(), ["finished"]);
    assert_eq!(last(&*store, "slow").await, (Outcome::Succeeded, 1));
}

#[tokio::test]
async fn a_graceful_run_sees_the_stop_and_keeps_its_deadline() {
    let seen = Arc::new(Mutex::new(Vec::<bool>::new()));
    let store = Arc::new(MemoryJobs::default());
    let job = Job::manual("patient", |cx: JobCx, seen: Arc<Mutex<Vec<bool>>>| async move {
        cx.stopping().await;
        seen.lock().unwrap().push(cx.is_stopping());
        std::future::pending().await
    });
    let builder = app()
        .supply(seen.clone())
        .supply::<dyn JobStore>(store.clone())
        .job(job.stop_mode(StopMode::Graceful).deadline(SECOND * 5));
    let bench = Bench::start(builder).await;
    bench.scheduler.trigger("patient").await.unwrap();
    bench.until(|_| bench.times("patient").len() == 1).await;
    bench.app.shutdown().request("the test stops it", 0);
    purlin_testing::eventually(async || seen.lock().unwrap().len() == 1).await;
    bench.hand.advance(SECOND * 5);
    assert!(bench.stop().await.is_clean());
    assert_eq!(last(&*store, "patient").await, (Outcome::TimedOut, 1));
    assert_eq!(*seen.lock().unwrap(), [true]);
}

#[tokio::test]
async fn a_run_that_overruns_the_grace_is_aborted() {
    let gate = Gate::new();
    let builder = app().supply(gate.clone()).job(gated("stubborn").stop_mode(StopMode::Graceful));
    let bench = Bench::start(builder).await;
    bench.advance_running(SECOND).await;
    bench.until(|_| bench.times("stubborn").len() == 1).await;
    bench.app.shutdown().request("the test stops it", 0);
    purlin_testing::eventually(async || !bench.scheduler.job("stubborn").unwrap().active).await;
    let hand = bench.hand.clone();
    let stop = bench.stop();
    let time = async {
        // Time passes until it is aborted, as it would by itself.
        while gate.left.lock().unwrap().is_empty() {
            hand.advance(SECOND);
            tokio::task::yield_now().await;
        }
        for _ in 0..30 {
            hand.advance(SECOND);
            tokio::task::yield_now().await;
        }
    };
    let (exit, ()) = tokio::join!(stop, time);
    assert!(!exit.is_clean(), "{exit:?}");
    assert_eq!(*gate.left.lock().unwrap(), ["given up"]);
}

#[tokio::test]
async fn no_further_attempt_is_made_once_stopping_has_begun() {
    let store = Arc::new(MemoryJobs::default());
    let job = Job::manual("flaky", || async { Err(purlin::error::anyhow!("no")) })
        .stop_mode(StopMode::Graceful)
        .retry(Retry::times(5).first_after(Duration::from_secs(3_600)));
    let bench = Bench::start(app().supply::<dyn JobStore>(store.clone()).job(job)).await;
    bench.scheduler.trigger("flaky").await.unwrap();
    bench.until(|events| events.len() == 2).await;
    assert!(bench.stop().await.is_clean());
    assert_eq!(last(&*store, "flaky").await, (Outcome::Failed, 1));
}

#[tokio::test]
async fn idle_jobs_hold_nothing_up() {
    let bench = Bench::start(app().job(Job::every("idle", SECOND * 3_600, nothing))).await;
    assert!(bench.stop().await.is_clean());
}
