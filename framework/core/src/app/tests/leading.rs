//! Leadership on a held clock: the store is scripted, so that each way of losing it can be met.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use super::{Log, app};
use crate::{
    app::AppBuilder,
    clock::{Clock, Hand},
    entropy::Entropy,
    error::{Result, bail},
    event::Event,
    exit::Exit,
    leader::{Grant, LeaseStore, LocalLeases},
    runnable::{Run, RunCx, Runnable},
};

/// A real local store that can be cut off, or told that somebody else has taken the lease, or that
/// it is renewed under another token.
struct Faulty {
    inner: LocalLeases,
    hangs: AtomicBool,
    stolen: AtomicBool,
    forgets: AtomicBool,
    panics: AtomicBool,
    log: Log,
}

#[async_trait]
impl LeaseStore for Faulty {
    async fn acquire(&self, name: &str, ttl: Duration) -> Result<Option<Grant>> {
        if self.hangs.load(Ordering::Relaxed) {
            bail!("no route to the store");
        }
        self.inner.acquire(name, ttl).await
    }

    async fn renew(&self, grant: &Grant, ttl: Duration) -> Result<Option<Grant>> {
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        assert!(!self.panics.swap(false, Ordering::Relaxed), "the store has a fault");
        if self.stolen.swap(false, Ordering::Relaxed) {
            return Ok(None);
        }
        if self.forgets.swap(false, Ordering::Relaxed) {
            self.inner.release(grant.clone()).await?;
            return self.inner.acquire(&grant.name, ttl).await;
        }
        self.inner.renew(grant, ttl).await
    }

    async fn release(&self, grant: Grant) -> Result<()> {
        self.log.add("released");
        self.inner.release(grant).await
    }
}

/// Works until its term ends.
#[derive(Clone)]
struct Work {
    log: Log,
    ways: Ways,
    alive: Arc<Mutex<()>>,
}

/// What is wrong with the work.
#[derive(Clone, Copy, PartialEq)]
enum Ways {
    Good,
    Stubborn,
    /// Each second one cannot be made.
    PanicsWhenMade,
    FailsToDrain,
    PanicsInDrain,
    /// It is stubborn, and its hard stop is no better.
    PanicsInHardStop,
    HangsInHardStop,
    Fails,
}

#[async_trait]
impl Runnable for Work {
    async fn run(&self, cx: RunCx) -> Result<()> {
        let alone = self.alive.try_lock().is_ok();
        self.log.add(format!("working alone: {alone}"));
        match self.ways {
            Ways::Stubborn | Ways::PanicsInHardStop | Ways::HangsInHardStop => {
                let _told_when_dropped = Told(self.log.clone());
                std::future::pending::<()>().await;
            }
            Ways::Fails => bail!("no orders"),
            _ => cx.stopping().await,
        }
        self.log.add("work ended");
        Ok(())
    }

    async fn graceful_shutdown(&self) -> Result<()> {
        match self.ways {
            Ways::FailsToDrain => bail!("no way out"),
            Ways::PanicsInDrain => panic!("boom"),
            _ => Ok(()),
        }
    }

    async fn shutdown(&self) -> Result<()> {
        self.log.add("hard stop");
        match self.ways {
            Ways::PanicsInHardStop => panic!("boom"),
            Ways::HangsInHardStop => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

struct Told(Log);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.add("work aborted");
    }
}

struct Stage {
    app: AppBuilder,
    log: Log,
    store: Arc<Faulty>,
    hand: Hand,
}

fn stage(ways: Ways) -> Stage {
    let (clock, hand) = Clock::held();
    let log = Log::default();
    let store = Arc::new(Faulty {
        inner: LocalLeases::new(clock.clone(), Entropy::seeded(1)),
        hangs: AtomicBool::new(false),
        stolen: AtomicBool::new(false),
        forgets: AtomicBool::new(false),
        panics: AtomicBool::new(false),
        log: log.clone(),
    });
    let first = Work { log: log.clone(), ways, alive: Arc::default() };
    let made = AtomicUsize::new(0);
    let make = move || {
        let nth = made.fetch_add(1, Ordering::Relaxed);
        assert!(ways != Ways::PanicsWhenMade || nth.is_multiple_of(2), "cannot be made");
        first.clone()
    };
    let events = log.of_events(|event| match event {
        Event::LeadershipAcquired { .. } => Some("acquired".to_owned()),
        Event::LeadershipLost { reason, .. } => Some(format!("lost: {reason}")),
        _ => None,
    });
    let app = app()
        .clock(clock)
        .entropy(Entropy::seeded(1))
        .supply::<dyn LeaseStore>(store.clone())
        .runnable(Run::new("work", make).leader_only("work"))
        .on_event(events);
    Stage { app, log, store, hand }
}

impl Log {
    /// Advances the clock in small steps until the log has a line.
    async fn until(&self, hand: &Hand, line: &str) {
        for _ in 0..2_000 {
            if self.lines().iter().any(|seen| seen == line) {
                return;
            }
            hand.advance(Duration::from_millis(100));
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
        }
        panic!("`{line}` did not come: {:?}", self.lines());
    }
}

#[tokio::test]
async fn the_work_ends_before_the_lease_is_released() {
    let Stage { app, log, hand, .. } = stage(Ways::Good);
    let app = app.start().await.unwrap();
    log.until(&hand, "working alone: true").await;
    assert!(app.stop().await.is_clean());
    assert_eq!(
        log.lines(),
        ["acquired", "working alone: true", "work ended", "released", "lost: handed over"]
    );
}

#[tokio::test]
async fn a_stolen_lease_ends_the_work_and_it_campaigns_again() {
    let Stage { app, log, store, hand } = stage(Ways::Good);
    let app = app.start().await.unwrap();
    log.until(&hand, "working alone: true").await;
    store.stolen.store(true, Ordering::Relaxed);
    log.until(&hand, "lost: another instance holds the lease").await;
    assert!(!log.lines().contains(&"released".to_owned()));
    let terms = |log: &Log| log.lines().iter().filter(|line| *line == "acquired").count();
    for _ in 0..1_000 {
        hand.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
    assert_eq!(terms(&log), 2);
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn a_hung_store_means_the_work_is_over_before_another_can_lead() {
    let Stage { app, log, store, hand } = stage(Ways::Stubborn);
    let app = app.start().await.unwrap();
    log.until(&hand, "working alone: true").await;
    store.hangs.store(true, Ordering::Relaxed);
    log.until(&hand, "work aborted").await;
    // Whoever asks the store at this moment is still refused: the lease has not run out.
    assert_eq!(store.inner.acquire("work", Duration::from_secs(30)).await.unwrap(), None);
    log.until(&hand, "lost: the lease could not be renewed in time").await;
    drop(app);
}

#[tokio::test]
async fn a_store_that_panics_is_told_and_keeps_no_lease() {
    let Stage { app, log, store, hand } = stage(Ways::Stubborn);
    let app = app.start().await.unwrap();
    log.until(&hand, "working alone: true").await;
    store.panics.store(true, Ordering::Relaxed);
    log.until(&hand, "lost: the lease store panicked").await;
    log.until(&hand, "released").await;
    // It campaigns again, as any runnable that has panicked is started again.
    let alone =
        |log: &Log| log.lines().iter().filter(|line| *line == "working alone: true").count();
    for _ in 0..1_000 {
        hand.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
    assert_eq!(alone(&log), 2, "{:?}", log.lines());
    drop(app);
}

/// Whether somebody else can lead at this moment, without waiting for a lease to run out.
async fn is_free(store: &Faulty) -> bool {
    store.inner.acquire("work", Duration::from_secs(30)).await.unwrap().is_some()
}

#[tokio::test]
async fn a_factory_that_panics_in_a_later_term_keeps_no_lease() {
    let Stage { app, log, store, hand } = stage(Ways::PanicsWhenMade);
    let app = app.start().await.unwrap();
    log.until(&hand, "working alone: true").await;
    store.stolen.store(true, Ordering::Relaxed);
    log.until(&hand, "lost: its work failed: panicked: cannot be made").await;
    assert_eq!(log.lines().iter().filter(|line| *line == "acquired").count(), 2);
    assert!(is_free(&store).await, "{:?}", log.lines());
    drop(app);
}

#[tokio::test]
async fn work_that_fails_keeps_no_lease() {
    let Stage { app, log, store, hand } = stage(Ways::Fails);
    let app = app.start().await.unwrap();
    log.until(&hand, "lost: its work failed: no orders").await;
    assert!(is_free(&store).await);
    drop(app);
}

#[tokio::test]
async fn what_goes_wrong_in_the_drain_is_told_and_keeps_no_lease() {
    for (ways, error) in
        [(Ways::FailsToDrain, "no way out"), (Ways::PanicsInDrain, "panicked: boom")]
    {
        let Stage { app, log, store, hand } = stage(ways);
        let app = app.start().await.unwrap();
        log.until(&hand, "working alone: true").await;
        let exit = app.stop().await;
        assert_eq!(exit.code(), Exit::RUNNABLE_FAILED);
        assert!(exit.reason().contains(error), "{exit}");
        let reason = format!("lost: handed over; its graceful stop failed: {error}");
        let expected = ["acquired", "working alone: true", "work ended", "released", &reason];
        assert_eq!(log.lines(), expected);
        assert!(is_free(&store).await);
    }
}

/// Trap 8: what is dropped because the lease ran out during the stop was not finished.
#[tokio::test]
async fn leadership_that_is_lost_while_stopping_is_no_clean_end() {
    let Stage { app, log, store, hand } = stage(Ways::Stubborn);
    let app = app.set("lifecycle.stop_timeout", "10m").start().await.unwrap();
    log.until(&hand, "working alone: true").await;
    store.hangs.store(true, Ordering::Relaxed);
    app.shutdown().request("the test is over", 0);
    log.until(&hand, "lost: the lease could not be renewed in time").await;
    let exit = app.stopped().await;
    assert_eq!(exit.code(), Exit::RUNNABLE_FAILED, "{exit}");
    assert!(exit.reason().contains("it was dropped, because leadership was lost"), "{exit}");
}

#[tokio::test]
async fn a_service_that_shall_not_go_on_without_leading_stops() {
    let Stage { app, log, store, hand } = stage(Ways::Good);
    let app = app.set("leader.on_loss", "stop").start().await.unwrap();
    log.until(&hand, "working alone: true").await;
    store.stolen.store(true, Ordering::Relaxed);
    log.until(&hand, "lost: another instance holds the lease").await;
    let exit = app.stopped().await;
    assert_eq!(exit.code(), Exit::RUNNABLE_FAILED);
    assert!(exit.reason().contains("was lost: another instance holds the lease"), "{exit}");
}

#[tokio::test]
async fn a_hard_stop_reaches_the_work_and_keeps_no_lease() {
    for ways in [Ways::Stubborn, Ways::PanicsInHardStop, Ways::HangsInHardStop] {
        let Stage { app, log, store, hand } = stage(ways);
        let app = app.start().await.unwrap();
        log.until(&hand, "working alone: true").await;
        app.shutdown().request("the test is over", 0);
        log.until(&hand, "hard stop").await;
        log.until(&hand, "lost: stopped hard").await;
        log.until(&hand, "released").await;
        let lines = log.lines();
        let at = |line: &str| lines.iter().position(|other| other == line).unwrap();
        assert!(at("hard stop") < at("work aborted") && at("work aborted") < at("released"));
        assert!(is_free(&store).await, "{lines:?}");
        // It did not stop by itself, and that is no clean end.
        assert!(!app.stopped().await.is_clean());
    }
}

#[tokio::test]
async fn a_lease_that_is_renewed_under_another_token_ends_the_term() {
    let Stage { app, log, store, hand } = stage(Ways::Good);
    let app = app.start().await.unwrap();
    log.until(&hand, "working alone: true").await;
    store.forgets.store(true, Ordering::Relaxed);
    log.until(&hand, "lost: the store has begun another term").await;
    // What was renewed is what is released: the work could not know its token.
    assert!(is_free(&store).await, "{:?}", log.lines());
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn tokens_rise_across_terms_and_restarts() {
    let (clock, hand) = Clock::held();
    let ttl = Duration::from_secs(1);
    let store = LocalLeases::new(clock.clone(), Entropy::seeded(1));
    let first = store.acquire("a", ttl).await.unwrap().unwrap();
    assert_eq!(store.acquire("a", ttl).await.unwrap(), None);
    store.release(first.clone()).await.unwrap();
    let second = store.acquire("a", ttl).await.unwrap().unwrap();
    assert!(second.token > first.token);
    hand.advance(ttl);
    assert_eq!(store.renew(&second, ttl).await.unwrap(), None);
    // A process that starts afresh has lost everything but the time.
    let restarted = LocalLeases::new(clock, Entropy::seeded(1));
    assert!(restarted.acquire("a", ttl).await.unwrap().unwrap().token > second.token);
}

/// Work that is always ready, on the clock of the system: what it uses up of its task's budget must
/// not be missing where the lease is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_never_waits_keeps_its_lease_and_heeds_the_stop() {
    struct Busy;

    #[async_trait]
    impl Runnable for Busy {
        async fn run(&self, cx: RunCx) -> Result<()> {
            while !cx.is_stopping() {
                std::thread::yield_now();
                tokio::task::consume_budget().await;
            }
            Ok(())
        }
    }

    let log = Log::default();
    let events = log.of_events(|event| match event {
        Event::LeadershipAcquired { .. } => Some("acquired".to_owned()),
        Event::LeadershipLost { reason, .. } => Some(format!("lost: {reason}")),
        _ => None,
    });
    let clock = Clock::system();
    let app = app()
        .clock(clock.clone())
        .set("leader.ttl", "3s")
        .runnable(Run::new("one", || Busy).leader_only("same"))
        .runnable(Run::new("other", || Busy).leader_only("same"))
        .on_event(events);
    let app = app.start().await.unwrap();
    // Without a renewal, the other would lead by now.
    clock.sleep(Duration::from_millis(4_500)).await;
    assert_eq!(log.lines(), ["acquired"]);
    let stopped = clock.timeout(Duration::from_secs(10), app.stop()).await;
    assert!(stopped.expect("the work is told to stop").is_clean());
    assert_eq!(log.lines(), ["acquired", "lost: handed over"]);
}

#[test]
fn in_production_a_local_leader_is_refused_unless_allowed() {
    let build = |local: Option<&str>| {
        let make = || Work { log: Log::default(), ways: Ways::Good, alive: Arc::default() };
        let mut app = app().runnable(Run::new("work", make).leader_only("work"));
        app.inputs_mut().profile = Some("prod".to_owned());
        if let Some(local) = local {
            app = app.set("leader.local", local);
        }
        app.build().map(drop)
    };
    let error = build(None).unwrap_err().to_string();
    assert!(
        error.contains("`work` is run by a leader") && error.contains("leader.local"),
        "{error}"
    );
    build(Some("allow")).unwrap();
}
