//! One test for each trap that a lifecycle is known to fall into.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{Log, app};
use crate::{
    app::StartError,
    clock::Clock,
    config::NoConfig,
    error::{Result, anyhow, bail},
    event::Event,
    exit::Exit,
    init::Init,
    module::Module,
    readiness::Readiness,
    runnable::{OnEnd, Restart, Run, RunCx, Runnable, Tier},
    shutdown::ShutdownHandle,
    spawner::Spawner,
};

/// A module that acquires something, which its undo takes a while to give back.
struct Store(Log);

impl Module for Store {
    const NAME: &'static str = "store";
    type Config = NoConfig;
    type Needs = ();
    type Gives = Arc<u8>;

    async fn init(&self, _: NoConfig, (): (), cx: &mut Init) -> Result<Arc<u8>> {
        let (store, log, clock) = (Arc::new(7_u8), self.0.clone(), cx.clock().clone());
        cx.undo("close the store", &store, |_| async move {
            // It must still have time, whatever the reason of the stop.
            clock.sleep(Duration::from_millis(5)).await;
            log.add("store closed");
        });
        log_opened(&self.0);
        Ok(store)
    }
}

fn log_opened(log: &Log) {
    log.add("store opened");
}

/// Runs until it is stopped, and tells.
struct Worker(Log);

#[async_trait]
impl Runnable for Worker {
    async fn run(&self, cx: RunCx) -> Result<()> {
        cx.ready();
        cx.stopping().await;
        self.0.add(format!("{} stopped", cx.name()));
        Ok(())
    }

    async fn graceful_shutdown(&self) -> Result<()> {
        self.0.add("drained");
        Ok(())
    }
}

fn failing(
    message: &'static str,
) -> impl Fn(Arc<u8>) -> std::future::Ready<Result<Arc<u16>>> + Send + Sync {
    move |_| std::future::ready(Err(anyhow!(message)))
}

/// Trap 1: a rollback that inherits an expired deadline.
#[tokio::test]
async fn a_rollback_has_a_deadline_of_its_own() {
    let log = Log::default();
    let never = |_: Arc<u8>| std::future::pending::<Result<Arc<u16>>>();
    let app =
        app().module(Store(log.clone())).provide(never).set("lifecycle.start_timeout", "50ms");
    let error = app.start().await.unwrap_err().to_string();
    assert!(error.contains("`u16` failed to start"), "{error}");
    assert!(error.contains("did not start within 50ms"), "{error}");
    assert!(error.contains("exit code 70"), "{error}");
    assert_eq!(log.lines(), ["store opened", "store closed"]);
}

#[tokio::test]
async fn a_failed_start_names_its_cause_and_is_undone() {
    let log = Log::default();
    let app = app().module(Store(log.clone())).provide(failing("no route to host"));
    let error = app.start().await.unwrap_err().to_string();
    assert!(error.contains("no route to host"), "{error}");
    assert_eq!(log.lines(), ["store opened", "store closed"]);
}

#[tokio::test]
async fn a_panic_in_an_init_is_a_failure_with_a_name() {
    let log = Log::default();
    let panics = |_: Arc<u8>| async {
        if true { panic!("index out of bounds") } else { Ok(Arc::new(1_u16)) }
    };
    let error = app().module(Store(log.clone())).provide(panics).start().await.unwrap_err();
    assert!(error.to_string().contains("`u16` failed to start"), "{error}");
    assert!(error.to_string().contains("panicked: index out of bounds"), "{error}");
    assert_eq!(log.lines(), ["store opened", "store closed"]);
}

/// Trap 3: an init that is cancelled between two awaits.
#[tokio::test]
async fn what_a_cancelled_init_acquired_is_undone() {
    struct Half(Log, Arc<Notify>);
    impl Module for Half {
        const NAME: &'static str = "half";
        type Config = NoConfig;
        type Needs = ();
        type Gives = Arc<u32>;

        async fn init(&self, _: NoConfig, (): (), cx: &mut Init) -> Result<Arc<u32>> {
            let log = self.0.clone();
            cx.undo(
                "give the lock back",
                &Arc::new(()),
                |_| async move { log.add("lock given back") },
            );
            self.1.notify_one();
            std::future::pending().await
        }
    }
    let (log, acquired) = (Log::default(), Arc::new(Notify::new()));
    let waits = acquired.clone();
    let fails = move || async move {
        waits.notified().await;
        Err::<Arc<u64>, _>(anyhow!("the other one failed"))
    };
    let error = app().module(Half(log.clone(), acquired)).provide(fails).start().await.unwrap_err();
    assert!(error.to_string().contains("the other one failed"), "{error}");
    assert_eq!(log.lines(), ["lock given back"]);
}

/// Trap 4: somebody keeps an `Arc`; it is closed all the same.
#[tokio::test]
async fn a_stray_arc_keeps_nothing_open() {
    let log = Log::default();
    let app = app().module(Store(log.clone())).start().await.unwrap();
    let stray = app.get::<Arc<u8>>();
    assert!(app.stop().await.is_clean());
    assert_eq!(log.lines(), ["store opened", "store closed"]);
    assert_eq!(*stray, 7);
}

/// Trap 5: a background task that dies unnoticed, with exit code 0.
#[tokio::test]
async fn an_early_end_stops_the_application_with_a_code() {
    struct Early;
    #[async_trait]
    impl Runnable for Early {
        async fn run(&self, cx: RunCx) -> Result<()> {
            cx.ready();
            Ok(())
        }
    }
    let app = app().runnable(Run::new("early", || Early)).start().await.unwrap();
    let exit = app.stopped().await;
    assert_eq!((exit.code(), exit.reason()), (Exit::RUNNABLE_FAILED, "`early` ended early"));

    let ignored = Run::new("early", || Early).on_end(OnEnd::Ignore);
    let app = super::app().runnable(ignored).start().await.unwrap();
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn a_panicking_runnable_is_restarted_afresh_until_its_limit() {
    struct Panics(Arc<AtomicU32>);
    #[async_trait]
    impl Runnable for Panics {
        async fn run(&self, cx: RunCx) -> Result<()> {
            cx.ready();
            panic!("number {}", self.0.load(Ordering::Relaxed));
        }
    }
    let (made, log) = (Arc::new(AtomicU32::new(0)), Log::default());
    let counter = made.clone();
    let make = move || {
        counter.fetch_add(1, Ordering::Relaxed);
        Panics(counter.clone())
    };
    let restart = Restart { limit: 3, base: Duration::from_millis(1), ..Restart::default() };
    let ends = log.of_events(|event| match event {
        Event::RunnableEnded { end, restart_in, .. } => {
            Some(format!("{end}, {}", restart_in.is_some()))
        }
        _ => None,
    });
    let run = Run::new("panics", make).on_end(OnEnd::Restart(restart));
    let exit = app().runnable(run).on_event(ends).start().await.unwrap().stopped().await;
    assert_eq!(exit.code(), Exit::RUNNABLE_FAILED);
    assert_eq!(made.load(Ordering::Relaxed), 4);
    assert_eq!(
        log.lines(),
        [
            "panicked: number 1, true",
            "panicked: number 2, true",
            "panicked: number 3, true",
            "panicked: number 4, false"
        ]
    );
}

/// Trap 6: ready before the sockets are bound.
#[tokio::test]
async fn nothing_is_ready_before_its_last_runnable_is() {
    struct Slow(Readiness, Log);
    #[async_trait]
    impl Runnable for Slow {
        async fn run(&self, cx: RunCx) -> Result<()> {
            self.1.add(format!("before: {}", self.0.is_ready()));
            cx.ready();
            self.0.wait().await;
            self.1.add("after: true");
            cx.stopping().await;
            self.1.add(format!("stopping: {}", self.0.is_ready()));
            Ok(())
        }
    }
    let log = Log::default();
    let of_run = log.clone();
    let ingress = Run::new("slow", move |readiness: Readiness| Slow(readiness, of_run.clone()));
    let app = app().runnable(ingress.tier(Tier::INGRESS)).start().await.unwrap();
    assert!(app.readiness().is_ready());
    assert!(app.stop().await.is_clean());
    assert_eq!(log.lines(), ["before: false", "after: true", "stopping: false"]);
}

#[tokio::test]
async fn a_runnable_that_never_gets_ready_fails_the_start_by_name() {
    struct Mute;
    #[async_trait]
    impl Runnable for Mute {
        async fn run(&self, cx: RunCx) -> Result<()> {
            cx.stopping().await;
            Ok(())
        }
    }
    let app = app().runnable(Run::new("mute", || Mute)).set("lifecycle.start_timeout", "20ms");
    let error = app.start().await.unwrap_err().to_string();
    assert!(
        error.contains("`mute` failed to start") && error.contains("did not call `ready()`"),
        "{error}"
    );
}

/// Trap 7: what does not stop is named, and the code says so.
#[tokio::test]
async fn who_overruns_is_named_and_the_stop_goes_on() {
    struct Stuck;
    #[async_trait]
    impl Runnable for Stuck {
        async fn run(&self, cx: RunCx) -> Result<()> {
            cx.ready();
            std::future::pending().await
        }
    }
    let log = Log::default();
    let stuck = Run::new("stuck", || Stuck).grace(Duration::from_millis(20));
    let app = app().module(Store(log.clone())).runnable(stuck).set("lifecycle.hard_stop", "50ms");
    let exit = app.start().await.unwrap().stop().await;
    assert_eq!(exit.code(), Exit::STOP_OVERRAN);
    assert!(exit.reason().contains("`stuck`"), "{exit}");
    assert_eq!(log.lines(), ["store opened", "store closed"]);
}

/// Trap 8: a stop during the start.
#[tokio::test]
async fn a_signal_cancels_a_start_and_it_is_undone() {
    let (log, started) = (Log::default(), Arc::new(Notify::new()));
    let began = started.clone();
    let hangs = move |shutdown: ShutdownHandle, _: Arc<u8>| async move {
        shutdown.request("changed my mind", 0);
        began.notify_one();
        std::future::pending::<Result<Arc<u16>>>().await
    };
    let error = app().module(Store(log.clone())).provide(hangs).start().await.unwrap_err();
    assert!(error.to_string().contains("changed my mind"), "{error}");
    assert!(error.to_string().contains("exit code 0"), "{error}");
    assert_eq!(log.lines(), ["store opened", "store closed"]);
}

#[tokio::test]
async fn a_second_signal_cuts_the_deadlines_and_a_third_ends_it() {
    struct Stuck;
    #[async_trait]
    impl Runnable for Stuck {
        async fn run(&self, cx: RunCx) -> Result<()> {
            cx.ready();
            std::future::pending().await
        }
    }
    let app = app().runnable(Run::new("stuck", || Stuck)).set("lifecycle.hard_stop", "20ms");
    let app = app.start().await.unwrap();
    app.signal("SIGTERM");
    app.signal("SIGTERM");
    assert_eq!(app.stopped().await.code(), Exit::STOP_OVERRAN);

    let app = super::app().runnable(Run::new("stuck", || Stuck)).start().await.unwrap();
    (0..3).for_each(|_| app.signal("SIGINT"));
    assert_eq!(app.stopped().await.code(), 130);
}

#[tokio::test]
async fn drain_comes_before_the_stop_signal_and_undo_comes_last() {
    let log = Log::default();
    let (ingress, worker, hook) = (log.clone(), log.clone(), log.clone());
    let app = app()
        .module(Store(log.clone()))
        .runnable(Run::new("worker", move || Worker(worker.clone())))
        .runnable(Run::new("ingress", move || Worker(ingress.clone())).tier(Tier::INGRESS))
        .on_stop("hook", Tier::CLIENTS, move || {
            let hook = hook.clone();
            async move { hook.add("hook called") }
        });
    assert!(app.start().await.unwrap().stop().await.is_clean());
    assert_eq!(
        log.lines(),
        [
            "store opened",
            "drained",
            "ingress stopped",
            "drained",
            "worker stopped",
            "hook called",
            "store closed"
        ]
    );
}

#[tokio::test]
async fn traffic_is_served_for_the_drain_delay() {
    let log = Log::default();
    let of_run = log.clone();
    let (clock, hand) = Clock::held();
    let app = app()
        .runnable(Run::new("worker", move || Worker(of_run.clone())))
        .clock(clock)
        .set("lifecycle.drain_delay", "5s");
    let app = app.start().await.unwrap();
    let readiness = app.readiness().clone();
    app.signal("SIGTERM");
    readiness.subscribe().wait_for(|ready| !ready).await.unwrap();
    assert_eq!(log.lines(), Vec::<String>::new());
    // The driver and nobody else waits for the clock: it is the drain delay.
    hand.sleepers(1).await;
    hand.advance(Duration::from_secs(5));
    assert!(app.stopped().await.is_clean());
    assert_eq!(log.lines(), ["drained", "worker stopped"]);
}

#[tokio::test]
async fn a_panicking_decorator_is_a_failure_with_a_name() {
    let app = app().module(Store(Log::default())).decorate::<u8>(|_| panic!("not today"));
    let error = app.start().await.unwrap_err().to_string();
    assert!(error.contains("`store` failed to start"), "{error}");
    assert!(error.contains("not today"), "{error}");
}

/// So is one over a value that is there from the beginning, which no task gives.
#[tokio::test]
async fn a_panicking_decorator_of_a_supplied_value_is_a_failure_with_a_name() {
    let supplied = app().supply(Arc::new(7_u64)).decorate::<u64>(|_| panic!("boom"));
    let replaced = app()
        .provide(|| async { Ok(Arc::new(7_u64)) })
        .replace(Arc::new(8_u64))
        .decorate::<u64>(|_| panic!("boom"));
    for app in [supplied, replaced] {
        let error = app.start().await.unwrap_err();
        let StartError::Failed { cause, exit } = error else { panic!("{error}") };
        assert_eq!(cause, "the decorator of `u64` panicked: boom");
        assert_eq!(exit.code(), Exit::START_FAILED);
    }
}

/// A runnable has ended when its run and its drain have.
#[tokio::test]
async fn a_drain_that_outlives_its_run_is_awaited() {
    struct Draining {
        log: Log,
        clock: Clock,
        stop: Notify,
        fails: bool,
    }

    #[async_trait]
    impl Runnable for Draining {
        async fn run(&self, cx: RunCx) -> Result<()> {
            cx.ready();
            self.stop.notified().await;
            Ok(())
        }

        async fn graceful_shutdown(&self) -> Result<()> {
            self.stop.notify_one();
            self.clock.sleep(Duration::from_millis(50)).await;
            self.log.add("drained");
            if self.fails {
                bail!("no way out");
            }
            Ok(())
        }
    }

    for leads in [false, true] {
        for fails in [false, true] {
            let (log, seen) = (Log::default(), Log::default());
            let made = log.clone();
            let run = Run::new("worker", move || {
                let (log, clock) = (made.clone(), Clock::system());
                Draining { log, clock, stop: Notify::new(), fails }
            });
            let run = if leads { run.leader_only("work") } else { run };
            let events = seen.of_events(|event| match event {
                Event::LeadershipAcquired { .. } => Some("leads".to_owned()),
                _ => None,
            });
            let app = app().runnable(run).on_event(events).start().await.unwrap();
            while leads && seen.lines().is_empty() {
                tokio::task::yield_now().await;
            }
            let exit = app.stop().await;
            assert_eq!(log.lines(), ["drained"], "leads: {leads}");
            assert_eq!(exit.is_clean(), !fails, "leads: {leads}, {exit}");
        }
    }
}

#[tokio::test]
async fn a_stop_error_never_stops_the_stopping_and_is_not_forgotten() {
    let log = Log::default();
    let failed = log.of_events(|event| match event {
        Event::StopFailed { name, end } => Some(format!("{name} {end}")),
        _ => None,
    });
    let app = app()
        .on_event(failed)
        .module(Store(log.clone()))
        .on_stop("fails", Tier::WORKERS, || async { bail!("no connection") as Result<()> })
        .on_stop("panics", Tier::CLIENTS, || async {
            if true {
                panic!("even so")
            }
        });
    let exit = app.start().await.unwrap().stop().await;
    assert_eq!(exit.code(), Exit::RUNNABLE_FAILED);
    let told = ["fails failed: no connection", "panics panicked: even so"];
    assert_eq!(log.lines(), ["store opened", told[0], told[1], "store closed"]);
    for text in ["while stopping", "`fails` failed: no connection", "`panics` panicked: even so"] {
        assert!(exit.reason().contains(text), "{exit}");
    }
}

#[tokio::test]
async fn a_failed_undo_is_not_forgotten() {
    struct Broken;

    impl Module for Broken {
        const NAME: &'static str = "broken";
        type Config = NoConfig;
        type Needs = ();
        type Gives = Arc<u16>;

        async fn init(&self, _: NoConfig, (): (), cx: &mut Init) -> Result<Arc<u16>> {
            let given = Arc::new(1);
            cx.undo("flush", &given, |_| async { bail!("disk full") as Result<()> });
            Ok(given)
        }
    }

    let exit = app().module(Broken).start().await.unwrap().stop().await;
    assert_eq!(exit.code(), Exit::RUNNABLE_FAILED);
    assert!(exit.reason().contains("`broken: flush` failed: disk full"), "{exit}");
}

/// A restart has the same time to get ready as the first start.
#[tokio::test]
async fn a_restart_that_never_gets_ready_is_restarted_again() {
    struct Forgetful(Arc<AtomicU32>);

    #[async_trait]
    impl Runnable for Forgetful {
        async fn run(&self, cx: RunCx) -> Result<()> {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0 => {
                    cx.ready();
                    bail!("once")
                }
                1 => std::future::pending().await,
                _ => {
                    cx.ready();
                    cx.stopping().await;
                    Ok(())
                }
            }
        }
    }

    let (log, attempts) = (Log::default(), Arc::new(AtomicU32::new(0)));
    let (clock, hand) = Clock::held();
    let ends = log.of_events(|event| match event {
        Event::RunnableEnded { end, .. } => Some(end.to_string()),
        _ => None,
    });
    let (third, count) = (Arc::new(Notify::new()), attempts.clone());
    let ready = third.clone();
    let app = app()
        .clock(clock)
        .on_event(ends)
        .on_event(move |event| {
            if matches!(event, Event::RunnableReady { .. }) && count.load(Ordering::Relaxed) == 3 {
                ready.notify_one();
            }
        })
        .runnable(Run::new("forgetful", move || Forgetful(attempts.clone())));
    let app = app.start().await.unwrap();
    let is_ready = third.notified();
    tokio::pin!(is_ready);
    loop {
        tokio::select! {
            biased;
            () = &mut is_ready => break,
            () = hand.sleepers(1) => hand.advance(Duration::from_secs(1)),
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(
        log.lines(),
        [
            "failed: once",
            "failed: it did not call `ready()` within 60s of its restart (lifecycle.start_timeout)"
        ]
    );
    assert!(app.stop().await.is_clean());
}

/// Two that fail at the same time are both told: one may hold the cause of the other.
#[tokio::test]
async fn a_second_failure_while_the_first_is_rolled_back_is_told() {
    let log = Log::default();
    let failed = log.of_events(|event| match event {
        Event::ModuleFailed { name, error, .. } => Some(format!("{name}: {error}")),
        _ => None,
    });
    let one = || async { Err(anyhow!("no route to host")) as Result<Arc<u16>> };
    let other = || async { Err(anyhow!("permission denied")) as Result<Arc<u32>> };
    let error = app().on_event(failed).provide(one).provide(other).start().await.unwrap_err();
    assert!(error.to_string().contains("no route to host"), "{error}");
    assert_eq!(log.lines(), ["u16: no route to host", "u32: permission denied"]);
}

#[tokio::test]
async fn spawned_tasks_are_awaited_and_their_panics_told() {
    let log = Log::default();
    let panics = log.of_events(|event| match event {
        Event::TaskPanicked { name, message } => Some(format!("{name}: {message}")),
        _ => None,
    });
    let app = app().module(Store(log.clone())).on_event(panics).start().await.unwrap();
    let (spawner, done) = (app.get::<Spawner>(), Arc::new(AtomicBool::new(false)));
    let failed = spawner.spawn("fails", async { panic!("boom") }).await;
    assert!(failed.is_err());
    let (set, waits) = (done.clone(), spawner.clone());
    spawner.spawn("drains", async move {
        waits.stopping().await;
        tokio::task::yield_now().await;
        set.store(true, Ordering::Relaxed);
    });
    assert!(app.stop().await.is_clean());
    assert!(done.load(Ordering::Relaxed));
    assert_eq!(log.lines(), ["store opened", "fails: boom", "store closed"]);
}

#[tokio::test]
async fn independent_modules_start_at_the_same_time() {
    let meet = Arc::new(tokio::sync::Barrier::new(2));
    let (one, other) = (meet.clone(), meet);
    let app = app()
        .provide(move || async move {
            one.wait().await;
            Ok(Arc::new(1_u8))
        })
        .provide(move || async move {
            other.wait().await;
            Ok(Arc::new(1_u16))
        });
    assert!(app.start().await.unwrap().stop().await.is_clean());
}

#[tokio::test]
async fn a_failing_runnable_degrades_the_health_until_it_runs_again() {
    struct Once(Arc<AtomicBool>);
    #[async_trait]
    impl Runnable for Once {
        async fn run(&self, cx: RunCx) -> Result<()> {
            cx.ready();
            if !self.0.swap(true, Ordering::Relaxed) {
                bail!("no connection");
            }
            cx.stopping().await;
            Ok(())
        }
    }
    let (failed, log) = (Arc::new(AtomicBool::new(false)), Log::default());
    let (clock, hand) = Clock::held();
    let restarts = log.of_events(|event| match event {
        Event::RunnableEnded { .. } => Some("ended".to_owned()),
        Event::RunnableReady { name, .. } => Some(format!("{name} ready")),
        _ => None,
    });
    let run = Run::new("once", move || Once(failed.clone()));
    let app = app().runnable(run).clock(clock).on_event(restarts).start().await.unwrap();
    while !log.lines().contains(&"ended".to_owned()) {
        tokio::task::yield_now().await;
    }
    let report = app.health().report().await;
    assert!(!report.healthy);
    assert_eq!(report.checks[0].error.as_deref(), Some("once failed: no connection"));
    hand.sleepers(1).await;
    hand.advance(Duration::from_secs(1));
    while log.lines().iter().filter(|line| *line == "once ready").count() < 2 {
        tokio::task::yield_now().await;
    }
    assert!(app.health().report().await.healthy);
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn a_runnable_that_stops_after_what_it_needs_is_warned_of() {
    let log = Log::default();
    let warnings = log.of_events(|event| match event {
        Event::Warning { text } => Some(text.clone()),
        _ => None,
    });
    struct Early(Log);
    impl Module for Early {
        const NAME: &'static str = "early";
        type Config = NoConfig;
        type Needs = ();
        type Gives = Arc<u8>;

        async fn init(&self, _: NoConfig, (): (), cx: &mut Init) -> Result<Arc<u8>> {
            let log = self.0.clone();
            cx.run("feed", move || Worker(log.clone())).tier(Tier::INGRESS);
            Ok(Arc::new(1))
        }
    }
    let quiet = Log::default();
    let of_reader = quiet.clone();
    let reader = Run::new("reader", move |_: Arc<u8>| Worker(of_reader.clone()));
    let app = app().module(Early(quiet)).runnable(reader).on_event(warnings).start().await.unwrap();
    assert!(app.stop().await.is_clean());
    assert_eq!(log.lines(), ["reader (workers) stops after feed (ingress), which it needs"]);
}
