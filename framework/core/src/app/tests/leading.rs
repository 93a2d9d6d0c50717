//! Leadership on a held clock: the store is scripted, so that each way of losing it can be met.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
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
    leader::{Grant, LeaseStore, LocalLeases},
    runnable::{Run, RunCx, Runnable},
};

/// A real local store that can be cut off, or told that somebody else has taken the lease.
struct Faulty {
    inner: LocalLeases,
    hangs: AtomicBool,
    stolen: AtomicBool,
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
        if self.stolen.swap(false, Ordering::Relaxed) {
            return Ok(None);
        }
        self.inner.renew(grant, ttl).await
    }

    async fn release(&self, grant: Grant) -> Result<()> {
        self.log.add("released");
        self.inner.release(grant).await
    }
}

/// Works until its term ends; a stubborn one does not care.
struct Work {
    log: Log,
    stubborn: bool,
    alive: Arc<Mutex<()>>,
}

#[async_trait]
impl Runnable for Work {
    async fn run(&self, cx: RunCx) -> Result<()> {
        let alone = self.alive.try_lock().is_ok();
        self.log.add(format!("working alone: {alone}"));
        if self.stubborn {
            let _told_when_dropped = Told(self.log.clone());
            std::future::pending::<()>().await;
        }
        cx.stopping().await;
        self.log.add("work ended");
        Ok(())
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

fn stage(stubborn: bool) -> Stage {
    let (clock, hand) = Clock::held();
    let log = Log::default();
    let store = Arc::new(Faulty {
        inner: LocalLeases::new(clock.clone(), Entropy::seeded(1)),
        hangs: AtomicBool::new(false),
        stolen: AtomicBool::new(false),
        log: log.clone(),
    });
    let (of_work, alive) = (log.clone(), Arc::default());
    let make = move || Work { log: of_work.clone(), stubborn, alive: Arc::clone(&alive) };
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
    let Stage { app, log, hand, .. } = stage(false);
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
    let Stage { app, log, store, hand } = stage(false);
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
    let Stage { app, log, store, hand } = stage(true);
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

#[test]
fn in_production_a_local_leader_is_refused_unless_allowed() {
    let build = |local: Option<&str>| {
        let make = || Work { log: Log::default(), stubborn: false, alive: Arc::default() };
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
