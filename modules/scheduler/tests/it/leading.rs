//! Jobs that only a leader runs, on the local lease store.

use std::sync::{Arc, Mutex};

use purlin::{
    clock::Clock,
    entropy::Entropy,
    leader::{LeaseStore, LocalLeases},
};
use purlin_scheduler::{Job, JobCx, JobStore, Jobs as _, MemoryJobs, Skip, TriggerError};
use purlin_testing::eventually;

use crate::support::{Bench, SECOND, app, at, nothing};

type Tokens = Mutex<Vec<(u64, &'static str)>>;

#[tokio::test]
async fn one_of_two_instances_runs_them_and_the_other_takes_over() {
    let (clock, hand) = Clock::held();
    let leases: Arc<dyn LeaseStore> = Arc::new(LocalLeases::new(clock.clone(), Entropy::seeded(7)));
    let store: Arc<dyn JobStore> = Arc::new(MemoryJobs::default());
    let tokens = Arc::new(Tokens::default());
    let builder = |instance: &'static str| {
        app()
            .supply::<dyn LeaseStore>(leases.clone())
            .supply::<dyn JobStore>(store.clone())
            .supply(tokens.clone())
            .set("leader.ttl", "30s")
            .job(
                Job::every("led", SECOND, move |cx: JobCx, tokens: Arc<Tokens>| async move {
                    tokens.lock().unwrap().push((cx.term().token(), instance));
                    Ok(())
                })
                .leader_only(),
            )
            .job(Job::every("own", SECOND, nothing))
    };
    let one = Bench::start_on(builder("one"), clock.clone(), hand.clone()).await;
    let is_active = |bench: &Bench| bench.scheduler.job("led").unwrap().active;
    eventually(async || is_active(&one)).await;
    let other = Bench::start_on(builder("other"), clock.clone(), hand.clone()).await;

    for _ in 0..5 {
        hand.advance(SECOND);
        one.idle().await;
        other.idle().await;
    }
    assert!(!is_active(&other));
    let refused = other.scheduler.trigger("led").await.unwrap_err();
    assert_eq!(refused, TriggerError::Resting { job: "led".to_owned(), leader_only: true });
    assert_eq!(
        refused.to_string(),
        "job `led` is not run by this instance: ask the one that leads `scheduler`"
    );
    assert_eq!((one.times("own").len(), other.times("own").len()), (5, 5));
    assert_eq!((one.times("led").len(), other.times("led").len()), (5, 0));
    assert!(one.stop().await.is_clean());

    // The lease was handed over; the other asks for it within the third of a term.
    let mut waited = 0;
    while other.times("led").len() < 3 {
        hand.advance(SECOND);
        other.idle().await;
        tokio::task::yield_now().await;
        waited += 1;
        assert!(waited < 60, "nobody took over");
    }
    let tokens = tokens.lock().unwrap().clone();
    let first = tokens[0].0;
    assert!(tokens[..5].iter().all(|it| *it == (first, "one")));
    assert!(tokens[5..].iter().all(|(token, who)| *token > first && *who == "other"), "{tokens:?}");
    let runs = store.runs("led", 100).await.unwrap();
    assert!(runs.iter().all(|run| run.token.is_some()));
    println!("handed over after {waited} s with tokens {first} and {}", tokens[5].0);
    assert!(other.stop().await.is_clean());
}

#[tokio::test]
async fn a_time_that_another_leader_has_dealt_with_is_not_run_again() {
    let store: Arc<dyn JobStore> = Arc::new(MemoryJobs::default());
    let builder = app()
        .supply::<dyn JobStore>(store.clone())
        .job(Job::cron("led", "* * * * *", nothing).leader_only())
        .job(Job::cron("own", "* * * * *", nothing));
    let bench = Bench::start(builder).await;
    eventually(async || bench.scheduler.job("led").unwrap().active).await;
    // Somebody else, who leads by now, was quicker with the first minute.
    for job in ["led", "own"] {
        let due = at("2030-01-01T00:01:00Z");
        assert!(store.claim(job, due, due).await.unwrap());
    }
    bench.advance(SECOND * 60).await;
    assert_eq!(bench.skipped("led", Skip::Claimed), 1);
    assert_eq!(bench.starts("led"), []);
    assert_eq!(bench.times("own"), ["01 00:01:00"], "each replica runs its own");
    bench.advance(SECOND * 60).await;
    assert_eq!(bench.times("led"), ["01 00:02:00"]);
    assert!(bench.stop().await.is_clean());
}
