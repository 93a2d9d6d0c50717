//! A store that does not answer.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use purlin::{
    async_trait,
    clock::Clock,
    error::{Result, bail},
};
use purlin_scheduler::{Job, JobRun, JobStore, Jobs as _, MemoryJobs, Missed, Skip, Trigger};
use purlin_testing::{TestApp, eventually};

use crate::support::{Bench, MINUTE, SECOND, app, at, nothing, show};

/// A store whose operations fail, hang, or lose their answers, as a test wants.
#[derive(Default)]
struct Shaky {
    kept: MemoryJobs,
    faults: Mutex<HashSet<(&'static str, Fault)>>,
    asked: Mutex<Vec<&'static str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Fault {
    Fails,
    Hangs,
    /// It is done, but nobody learns of it.
    LosesAnswers,
}

impl Shaky {
    fn set(&self, operation: &'static str, fault: Fault) {
        self.faults.lock().unwrap().insert((operation, fault));
    }

    fn heal(&self) {
        self.faults.lock().unwrap().clear();
    }

    fn asked(&self, operation: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|it| **it == operation).count()
    }

    async fn meet<T>(
        &self,
        operation: &'static str,
        answer: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.asked.lock().unwrap().push(operation);
        let has = |fault| self.faults.lock().unwrap().contains(&(operation, fault));
        if has(Fault::Hangs) {
            std::future::pending::<()>().await;
        }
        if has(Fault::Fails) {
            bail!("the store is away");
        }
        let answer = answer.await;
        if has(Fault::LosesAnswers) {
            bail!("the connection was lost");
        }
        answer
    }
}

#[async_trait]
impl JobStore for Shaky {
    async fn claim(&self, job: &str, due: SystemTime, since: SystemTime) -> Result<bool> {
        self.meet("claim", self.kept.claim(job, due, since)).await
    }

    async fn mark(&self, job: &str) -> Result<Option<SystemTime>> {
        self.meet("mark", self.kept.mark(job)).await
    }

    async fn record(&self, run: &JobRun, keep: usize) -> Result<()> {
        self.meet("record", self.kept.record(run, keep)).await
    }

    async fn runs(&self, job: &str, limit: usize) -> Result<Vec<JobRun>> {
        self.meet("runs", self.kept.runs(job, limit)).await
    }
}

#[tokio::test]
async fn a_mark_that_cannot_be_read_at_the_start_is_asked_for_again() {
    let store = Arc::new(Shaky::default());
    let mark = at("2029-12-31T21:00:00Z");
    assert!(store.kept.claim("hourly", mark, mark).await.unwrap());
    store.set("mark", Fault::Fails);
    let (clock, hand) = Clock::held();
    let builder = app()
        .clock(clock)
        .supply::<dyn JobStore>(store.clone())
        .job(Job::cron("hourly", "0 * * * *", nothing).missed(Missed::All(9)));
    let app = TestApp::start(builder).await;
    for tries in 1..=3 {
        eventually(async || store.asked("mark") == tries).await;
        hand.sleepers(1).await;
        hand.advance(SECOND);
    }
    assert_eq!(store.kept.mark("hourly").await.unwrap(), Some(mark), "nothing is made up");
    store.heal();
    hand.advance(SECOND);
    eventually(async || store.kept.runs("hourly", 9).await.unwrap().len() == 2).await;
    let runs = store.kept.runs("hourly", 9).await.unwrap();
    let mut due: Vec<_> = runs.iter().map(|run| (run.trigger, show(run.due))).collect();
    due.sort_by_key(|(_, due)| due.clone());
    let missed = |due: &str| (Trigger::Missed, due.to_owned());
    assert_eq!(due, [missed("31 22:00:00"), missed("31 23:00:00")]);
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn a_store_that_hangs_at_the_start_does_not_hold_up_the_stop() {
    let store = Arc::new(Shaky::default());
    store.set("mark", Fault::Hangs);
    let (clock, _hand) = Clock::held();
    let builder = app()
        .clock(clock)
        .supply::<dyn JobStore>(store.clone())
        .job(Job::every("often", SECOND, nothing));
    let app = TestApp::start(builder).await;
    eventually(async || store.asked("mark") == 1).await;
    assert!(app.stop().await.is_clean(), "no time passes on this clock");
}

#[tokio::test]
async fn a_claim_that_hangs_does_not_hold_up_the_stop() {
    let store = Arc::new(Shaky::default());
    let builder =
        app().supply::<dyn JobStore>(store.clone()).job(Job::every("often", SECOND, nothing));
    let bench = Bench::start(builder).await;
    store.set("claim", Fault::Hangs);
    let claims = store.asked("claim");
    bench.hand.advance(SECOND);
    eventually(async || store.asked("claim") > claims).await;
    assert!(bench.stop().await.is_clean(), "no time passes on this clock");
}

#[tokio::test]
async fn a_job_of_the_leader_waits_for_the_store_and_any_other_does_not() {
    let store = Arc::new(Shaky::default());
    let builder = app()
        .supply::<dyn JobStore>(store.clone())
        .job(Job::cron("led", "* * * * *", nothing).leader_only().missed(Missed::Once))
        .job(Job::cron("own", "* * * * *", nothing));
    let bench = Bench::start(builder).await;
    bench.all_active().await;
    store.set("claim", Fault::Fails);
    let claims = store.asked("claim");
    bench.hand.advance(MINUTE);
    eventually(async || bench.times("own").len() == 1 && store.asked("claim") == claims + 2).await;
    bench.hand.advance(MINUTE * 2);
    eventually(async || bench.times("own").len() == 2).await;
    assert_eq!(bench.times("led").len(), 0, "somebody else may have run it");
    store.heal();
    bench.advance(SECOND).await;
    let led = bench.starts("led");
    assert_eq!(led, [(Trigger::Schedule, "01 00:03:00".to_owned())], "it stands for the others");
    assert_eq!(bench.skipped("led", Skip::Missed), 2);
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_run_by_nobody() {
    let store = Arc::new(Shaky::default());
    let builder = app()
        .supply::<dyn JobStore>(store.clone())
        .job(Job::cron("led", "* * * * *", nothing).leader_only());
    let bench = Bench::start(builder).await;
    bench.all_active().await;
    store.set("claim", Fault::LosesAnswers);
    let claims = store.asked("claim");
    bench.hand.advance(MINUTE);
    eventually(async || store.asked("claim") > claims).await;
    store.heal();
    bench.advance(SECOND).await;
    assert_eq!(bench.starts("led"), [], "it may be another's");
    assert_eq!(bench.skipped("led", Skip::Unanswered), 1);
    bench.advance(MINUTE).await;
    assert_eq!(bench.times("led"), ["01 00:02:00"]);
    assert!(bench.stop().await.is_clean());
}

#[tokio::test]
async fn a_page_of_many_jobs_waits_for_the_store_once() {
    let store = Arc::new(Shaky::default());
    let mut builder = app().supply::<dyn JobStore>(store.clone());
    for nth in 0..20 {
        builder = builder.job(Job::manual(format!("job {nth}"), nothing));
    }
    let bench = Bench::start(builder).await;
    store.set("runs", Fault::Hangs);
    let page = bench.app.pages().get("jobs").unwrap();
    let reads = page.read();
    let time = async {
        eventually(async || store.asked("runs") == 20).await;
        bench.hand.advance(Duration::from_secs(5));
    };
    let (jobs, ()) = tokio::join!(reads, time);
    assert_eq!(jobs.unwrap().as_array().unwrap().len(), 20);
    assert!(bench.stop().await.is_clean());
}
