//! The test kit on a small application: what it isolates, shows, holds, and stops.

extern crate purlin_core as purlin;

mod app;
mod client;
mod conformance;
mod fault_proxy;
#[cfg(feature = "limit")]
mod limits;
mod mock_server;
mod program;

use std::{sync::Arc, time::Duration};

use purlin::{
    app::App,
    async_trait,
    clock::{Clock, Instant},
    error::{Result, bail},
    event::Event,
    exit::Exit,
    runnable::{Run, RunCx, Runnable},
};
use purlin_testing::TestApp;

use self::app::{Heart, Log, app};

#[tokio::test]
async fn an_application_gets_free_ports_and_its_own_directory() {
    let (one, two) =
        tokio::join!(TestApp::start(app(Log::default())), TestApp::start(app(Log::default())));
    assert_ne!(one.address("echo"), two.address("echo"));
    let file = one.client("echo").get("/data").await.expect(200).text();
    assert_eq!(file, one.data().join("echo").display().to_string());
    assert!(one.stop().await.is_clean());
    assert!(two.stop().await.is_clean());
}

#[tokio::test]
async fn what_a_test_sets_is_above_what_isolates_it() {
    let chosen = tempfile::tempdir().unwrap();
    let path = chosen.path().display().to_string();
    let app = TestApp::start(app(Log::default()).set("echo.data", path)).await;
    let file = app.client("echo").get("/data").await.text();
    assert_eq!(file, chosen.path().join("echo").display().to_string());
}

#[tokio::test]
async fn a_test_that_panics_stops_its_application_in_order() {
    let log = Log::default();
    let of_app = log.clone();
    let mut tests = tokio::task::JoinSet::new();
    tests.spawn(async move {
        let _app = TestApp::start(app(of_app)).await;
        panic!("the assertion of a test");
    });
    assert!(tests.join_next().await.unwrap().unwrap_err().is_panic());
    assert_eq!(log.lines(), ["bound", "closed"]);
}

#[tokio::test]
async fn a_held_clock_moves_by_hand_alone() {
    let app = TestApp::start_held(app(Log::default())).await;
    let heart: Arc<Heart> = app.get();
    let hand = app.hand();
    for beats in 1..4 {
        hand.sleepers(1).await;
        hand.advance(Duration::from_secs(3599));
        assert_eq!(heart.beats(), beats - 1);
        hand.advance(Duration::from_secs(1));
        app.eventually(async || heart.beats() == beats).await;
    }
}

#[tokio::test]
async fn a_spy_tells_what_was_and_waits_for_what_comes() {
    let app = TestApp::start(app(Log::default())).await;
    let started = app.spy().events().into_iter().filter_map(|event| match event {
        Event::ModuleStarted { name, .. } => Some(name),
        _ => None,
    });
    assert!(started.into_iter().any(|name| name == "echo"));
    let spy = app.spy().clone();
    let stopping = spy.wait_for(|event| match event {
        Event::Stopping { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    let (reason, exit) = tokio::join!(stopping, app.stop());
    assert_eq!(reason, "the test is over");
    assert_eq!(exit.code(), Exit::CLEAN);
}

#[tokio::test]
async fn a_start_that_fails_tells_why() {
    let taken = TestApp::start(app(Log::default())).await;
    let address = taken.address("echo").unwrap().to_string();
    let log = Log::default();
    let failed = TestApp::try_start(app(log.clone()).set("echo.listen", address)).await;
    let error = failed.unwrap_err().to_string();
    assert!(error.contains("`echo` failed to start") && error.contains("in use"), "{error}");
    assert_eq!(log.lines(), [] as [&str; 0]);
}

#[tokio::test]
async fn an_answer_that_was_not_expected_is_shown() {
    let app = TestApp::start(app(Log::default())).await;
    let answer = app.client("echo").get("/data").await;
    let shown = std::panic::catch_unwind(|| drop(answer.expect(404))).unwrap_err();
    let shown = shown.downcast_ref::<String>().unwrap();
    assert!(shown.contains("GET /data: ") && shown.contains("echo"), "{shown}");
}

#[tokio::test]
async fn a_stop_on_a_held_clock_does_not_wait_for_ever() {
    struct Slow(Clock);

    #[async_trait]
    impl Runnable for Slow {
        async fn run(&self, cx: RunCx) -> Result<()> {
            cx.ready();
            cx.stopping().await;
            self.0.sleep(Duration::from_secs(3)).await;
            Ok(())
        }
    }
    let slow = || {
        let make = |clock: Clock| Slow(clock);
        App::builder().runnable(Run::new("slow", make))
    };
    let app = TestApp::start_held(slow()).await;
    assert!(app.stop().await.is_clean());
    drop(TestApp::start_held(slow()).await);
}

#[tokio::test]
async fn a_start_on_a_held_clock_does_not_wait_for_ever() {
    let slow = App::builder().provide(|clock: Clock| async move {
        clock.sleep(Duration::from_secs(3)).await;
        Ok(Arc::new(7_u8))
    });
    let app = TestApp::start_held(slow).await;
    let clock = app.get::<Clock>();
    let begun = clock.now();
    assert!(begun >= Instant::START + Duration::from_secs(3));
    app.hand().advance(Duration::from_secs(1));
    assert_eq!(clock.now() - begun, Duration::from_secs(1), "from here on it moves by hand alone");
    assert!(app.stop().await.is_clean());
}

#[tokio::test]
async fn a_failed_start_on_a_held_clock_is_undone_in_its_time() {
    let slow = App::builder()
        .provide(|clock: Clock| async move {
            clock.sleep(Duration::from_secs(3)).await;
            bail!("no connection") as Result<Arc<u8>>
        })
        .runnable(Run::new("user", |_: Arc<u8>| Real));
    let mut tests = tokio::task::JoinSet::new();
    tests.spawn(TestApp::start_held(slow));
    let shown = tests.join_next().await.unwrap().unwrap_err().into_panic();
    let shown = shown.downcast_ref::<String>().unwrap();
    assert!(shown.contains("no connection"), "{shown}");
}

/// Takes its time to stop, as a socket and a disk do: by the real clock.
struct Real;

#[async_trait]
impl Runnable for Real {
    async fn run(&self, cx: RunCx) -> Result<()> {
        cx.ready();
        cx.stopping().await;
        Clock::system().sleep(Duration::from_millis(100)).await;
        Ok(())
    }
}

#[tokio::test]
async fn a_held_clock_leaves_a_stop_its_real_time() {
    let app = TestApp::start_held(App::builder().runnable(Run::new("real", || Real))).await;
    let exit = app.stop().await;
    assert!(exit.is_clean(), "{exit:?}");
}
