//! Whatever the code of an application does to its thread, the deadlines and the signals go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{Log, app};
use crate::{
    app::{AppBuilder, Member, StartError},
    clock::Clock,
    component::{Component, components},
    error::Result,
    event::Event,
    exit::Exit,
    needs::Interface,
    runnable::{Run, RunCx, Runnable, Tier},
};
use async_trait::async_trait;

/// Blocks the thread that comes here, until it is let go.
struct Trap {
    entered: AtomicBool,
    released: AtomicBool,
}

static CONSTRUCTOR: Trap = Trap::new();
static FACTORY: Trap = Trap::new();
static DESTRUCTOR: Trap = Trap::new();

// === impl Trap ===

impl Trap {
    const fn new() -> Self {
        Self { entered: AtomicBool::new(false), released: AtomicBool::new(false) }
    }

    fn block(&self) {
        self.entered.store(true, Ordering::Release);
        while !self.released.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
    }

    /// The start of `app`, one part of which comes here, fails in time and by the name of that part.
    async fn fails_the_start(&'static self, app: AppBuilder, name: &str) {
        let log = Log::default();
        let failed = log.of_events(|event| match event {
            Event::ModuleFailed { name, error, .. } => Some(format!("{name}: {error}")),
            _ => None,
        });
        // It starts while the other blocks, and the driver has to take in what it gives. It does not
        // wait at an `await`: the worker that is about to block might hold it from then on.
        let beside = || async {
            while !self.entered.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            Ok(Arc::new(9_u16))
        };
        let app = app
            .set("lifecycle.start_timeout", "1s")
            .set("lifecycle.hard_stop", "100ms")
            .on_event(failed)
            .provide(beside);
        let started = Clock::system().timeout(Duration::from_secs(20), app.start()).await;
        self.released.store(true, Ordering::Release);
        let error = started.expect("nobody holds up the driver").unwrap_err();
        let StartError::Failed { exit, .. } = error else { panic!("{error}") };
        assert_eq!(exit.code(), Exit::START_FAILED);
        let told = format!("{name}: it did not start within 1s (lifecycle.start_timeout)");
        assert_eq!(log.lines(), [told]);
    }
}

trait Model: Interface {}

#[derive(Component)]
#[shaku(interface = Model)]
struct LoadedModel {
    #[component(default = CONSTRUCTOR.block())]
    _weights: (),
}

impl Model for LoadedModel {}

components! { Models { needs: [], components: [LoadedModel] } }

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_constructor_that_blocks_fails_the_start_by_name() {
    CONSTRUCTOR.fails_the_start(app().components::<Models>(), "models").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_factory_of_a_member_that_blocks_fails_the_start_by_name() {
    let member = Member::new("slow member", |(): ()| {
        FACTORY.block();
        Arc::new(7_u8)
    });
    let takes = |members: Vec<Arc<u8>>| async move { Ok(Arc::new(members.len())) };
    FACTORY.fails_the_start(app().member(member).provide(takes), "slow member").await;
}

/// What is dropped after its run, in a way of its own.
struct Dropping(fn());

impl Drop for Dropping {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[async_trait]
impl Runnable for Dropping {
    async fn run(&self, cx: RunCx) -> Result<()> {
        cx.ready();
        cx.stopping().await;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_destructor_that_blocks_is_cut_like_its_runnable() {
    let log = Log::default();
    let (closed, overran) = (
        log.clone(),
        log.of_events(|event| match event {
            Event::Overran { name, .. } => Some(format!("{name} overran")),
            _ => None,
        }),
    );
    let app = app()
        .set("lifecycle.stop_timeout", "2s")
        .set("lifecycle.hard_stop", "300ms")
        .on_event(overran)
        .on_stop("close", Tier::CLIENTS, move || {
            closed.add("closed");
            async {}
        })
        .runnable(Run::new("client", || Dropping(|| DESTRUCTOR.block())));
    let exit = app.start().await.unwrap().stop().await;
    DESTRUCTOR.released.store(true, Ordering::Release);
    assert_eq!(exit.code(), Exit::STOP_OVERRAN);
    assert_eq!(log.lines(), ["client overran", "closed"]);
}

#[tokio::test]
async fn a_destructor_that_panics_is_told_and_stops_nothing() {
    let app = app().runnable(Run::new("client", || Dropping(|| panic!("not closed"))));
    let exit = app.start().await.unwrap().stop().await;
    assert_eq!(exit.code(), Exit::RUNNABLE_FAILED);
    assert!(exit.reason().contains("`client` panicked: not closed"), "{exit}");
}

#[tokio::test]
async fn a_listener_that_panics_stops_nothing() {
    let log = Log::default();
    let seen = log.of_events(|event| match event {
        Event::Ready { .. } => Some("ready".to_owned()),
        _ => None,
    });
    let app = app().on_event(|_| panic!("a listener")).on_event(seen);
    assert!(app.start().await.unwrap().stop().await.is_clean());
    assert_eq!(log.lines(), ["ready"]);
}

/// Who comes after one that is stuck still gets a share of the time, and none of the blame.
#[tokio::test]
async fn a_stuck_runnable_leaves_time_to_later_tiers() {
    struct Stuck;

    #[async_trait]
    impl Runnable for Stuck {
        async fn run(&self, cx: RunCx) -> Result<()> {
            cx.ready();
            std::future::pending().await
        }
    }

    let log = Log::default();
    let (begun, ended) = (log.clone(), log.clone());
    let app = app()
        .set("lifecycle.stop_timeout", "2s")
        .set("lifecycle.hard_stop", "500ms")
        .runnable(Run::new("stuck", || Stuck))
        .on_stop("deregister", Tier::CLIENTS, move || {
            begun.add("deregistering");
            let ended = ended.clone();
            async move {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                ended.add("deregistered");
            }
        });
    let exit = app.start().await.unwrap().stop().await;
    assert_eq!(exit.code(), Exit::STOP_OVERRAN);
    assert_eq!(exit.reason(), "`stuck` did not stop in time");
    assert_eq!(log.lines(), ["deregistering", "deregistered"]);
}

/// However soon the stop follows the registration.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_hook_is_lost() {
    for _ in 0..200 {
        let called = Arc::new(AtomicBool::new(false));
        let call = called.clone();
        let app = app().start().await.unwrap();
        app.shutdown().on_stop("deregister", Tier::INGRESS, move || {
            call.store(true, Ordering::Relaxed);
            async {}
        });
        assert!(app.stop().await.is_clean());
        assert!(called.load(Ordering::Relaxed), "a hook was not called");
    }
}

#[tokio::test]
async fn all_that_start_too_slowly_are_named() {
    let one = || std::future::pending::<Result<Arc<u16>>>();
    let other = || std::future::pending::<Result<Arc<u32>>>();
    let app = app().set("lifecycle.start_timeout", "50ms").provide(one).provide(other);
    let error = app.start().await.unwrap_err().to_string();
    assert!(error.contains("`u16` failed to start"), "{error}");
    assert!(error.contains("`u32` failed to start"), "{error}");
}
