use std::{fmt, ops::Deref, thread::JoinHandle, time::Duration};

use purlin_core::{
    app::{AppBuilder, AppHandle, StartError},
    clock::{Clock, Hand},
    config::{Inputs, Shape},
    exit::Exit,
};
use tempfile::TempDir;
use tokio::sync::oneshot::{self, error::RecvError};

use crate::{Client, Spy, eventually};

/// An application under test: the real one, on free ports and throw-away data.
///
/// It runs on a runtime and a thread of its own, so that it stops in order even when the test
/// panics: dropping this waits for the stop. Call [`stop`](Self::stop) to see how it went.
///
/// It dereferences to its [`AppHandle`]: `app.get::<Arc<dyn OrderRepo>>()`, `app.readiness()`.
pub struct TestApp {
    handle: AppHandle,
    spy: Spy,
    hand: Option<Hand>,
    thread: Option<JoinHandle<()>>,
    exit: Option<oneshot::Receiver<Exit>>,
    data: TempDir,
}

/// How often a held clock is moved by itself.
const STEP: Duration = Duration::from_millis(2);
/// How far: ten times as fast as real time, which real I/O beside it can keep up with.
const STRIDE: Duration = Duration::from_millis(20);
/// A start in which nothing happens for so long waits for the clock.
const STALLED: Duration = Duration::from_millis(200);

// === impl TestApp ===

impl TestApp {
    /// Starts the application and waits until it is ready.
    ///
    /// # Panics
    /// With the whole report, when it does not build or does not start.
    pub async fn start(builder: AppBuilder) -> Self {
        Self::try_start(builder).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts the application on a clock that stands still until [`hand`](Self::hand) moves it.
    ///
    /// Only what waits through the [`Clock`] stands still; libraries keep real timers. Nobody can
    /// move it before the application is ready, nor after the test has told it to stop. So it goes on
    /// by itself, ten times as fast as real time, in a start that does not get on without, because an
    /// `init` sleeps; and in every stop.
    ///
    /// # Panics
    /// With the whole report, when it does not build or does not start.
    pub async fn start_held(builder: AppBuilder) -> Self {
        let (clock, hand) = Clock::held();
        let started = Self::launch(builder.clock(clock), Some(hand)).await;
        started.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts the application, or tells why it does not.
    ///
    /// # Errors
    /// What [`AppBuilder::start`] says.
    ///
    /// # Panics
    /// When this machine gives no temporary directory or no thread.
    pub async fn try_start(builder: AppBuilder) -> Result<Self, StartError> {
        Self::launch(builder, None).await
    }

    async fn launch(mut builder: AppBuilder, hand: Option<Hand>) -> Result<Self, StartError> {
        let data = tempfile::tempdir().expect("a temporary directory can be made");
        isolate(&mut builder, &data);
        let spy = Spy::default();
        let builder = builder.on_event(spy.listener());
        let (started, has_started) = oneshot::channel();
        let (exited, exit) = oneshot::channel();
        let thread = std::thread::Builder::new().name("test-app".to_owned()).spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            let runtime = runtime.expect("a runtime can be built");
            runtime.block_on(async {
                match builder.start().await {
                    Ok(running) => {
                        // A test that has gone drops the handle, and this is stopped below.
                        let lonely = started.send(Ok(running.handle())).is_err();
                        let exit =
                            if lonely { running.stop().await } else { running.stopped().await };
                        let _ = exited.send(exit);
                    }
                    Err(error) => {
                        let _ = started.send(Err(error));
                    }
                }
            });
            runtime.shutdown_background();
        });
        let thread = thread.expect("a thread can be started");
        let started = match &hand {
            Some(hand) => started_on(hand, &spy, has_started).await,
            None => has_started.await,
        };
        let handle = started.expect("the thread tells how it went")?;
        Ok(Self { handle, spy, hand, thread: Some(thread), exit: Some(exit), data })
    }

    /// A client of the HTTP server.
    ///
    /// # Panics
    /// When the application has none.
    pub fn http(&self) -> Client {
        self.client("http")
    }

    /// A client of the admin server.
    ///
    /// # Panics
    /// When the application has none.
    pub fn admin(&self) -> Client {
        self.client("admin")
    }

    /// A client of any module that listens, by its name.
    ///
    /// # Panics
    /// When no such module listens.
    pub fn client(&self, module: &str) -> Client {
        let address = self.handle.address(module);
        Client::new(address.unwrap_or_else(|| panic!("no module `{module}` listens")))
    }

    /// What has happened so far, and what will.
    pub fn spy(&self) -> &Spy {
        &self.spy
    }

    /// Moves the clock.
    ///
    /// # Panics
    /// When the application was not started with [`start_held`](Self::start_held).
    pub fn hand(&self) -> &Hand {
        self.hand.as_ref().expect("a held clock begins with `TestApp::start_held`")
    }

    /// The directory that took the place of every `DataDir`.
    pub fn data(&self) -> &std::path::Path {
        self.data.path()
    }

    /// Waits until `holds` is true.
    ///
    /// # Panics
    /// When it is not within 10 s.
    #[track_caller]
    pub fn eventually(&self, holds: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
        eventually(holds)
    }

    /// Stops the application in order, and tells how it went.
    ///
    /// # Panics
    /// When the application panicked.
    pub async fn stop(mut self) -> Exit {
        self.handle.shutdown().request("the test is over", Exit::CLEAN);
        self.ended().await
    }

    /// Waits until the application has stopped by itself.
    ///
    /// # Panics
    /// When the application panicked.
    pub async fn stopped(mut self) -> Exit {
        self.ended().await
    }

    async fn ended(&mut self) -> Exit {
        let mut exit = self.exit.take().expect("it is taken once, by value");
        let clock = Clock::system();
        // A stop takes its time, and nobody else moves a held clock any more.
        while let Some(hand) = &self.hand {
            match clock.timeout(STEP, &mut exit).await {
                Ok(exit) => return exit.expect("the thread tells how it went"),
                Err(_) => hand.advance(STRIDE),
            }
        }
        exit.await.expect("the thread tells how it went")
    }
}

/// Waits for a start, and moves the clock when the start waits for that.
async fn started_on<T>(
    hand: &Hand,
    spy: &Spy,
    mut started: oneshot::Receiver<T>,
) -> Result<T, RecvError> {
    let clock = Clock::system();
    let (mut seen, mut since) = (0, clock.now());
    loop {
        if let Ok(started) = clock.timeout(STEP, &mut started).await {
            return started;
        }
        let events = spy.count();
        if events > seen {
            (seen, since) = (events, clock.now());
        } else if clock.now() - since >= STALLED {
            hand.advance(STRIDE);
        }
    }
}

/// Cuts an application off from the machine: no file, no variable, free ports, its own directory.
fn isolate(builder: &mut AppBuilder, data: &TempDir) {
    let ports = builder.keys_of(&Shape::Listen).into_iter().map(|key| (key, "127.0.0.1:0".into()));
    let path = data.path().display().to_string();
    let directories =
        builder.keys_of(&Shape::DataDir).into_iter().map(|key| (key, path.clone().into()));
    let mut overrides: Vec<_> = ports.chain(directories).collect();
    let inputs = builder.inputs_mut();
    // What the test sets itself comes later, and so above.
    overrides.append(&mut inputs.overrides);
    *inputs = Inputs {
        overrides,
        base_dir: data.path().to_owned(),
        profile: inputs.profile.take().or_else(|| Some("dev".to_owned())),
        sets: std::mem::take(&mut inputs.sets),
        ..Inputs::default()
    };
}

impl Deref for TestApp {
    type Target = AppHandle;

    fn deref(&self) -> &AppHandle {
        &self.handle
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.handle.shutdown().request("the test has dropped it", Exit::CLEAN);
        if let Some(thread) = self.thread.take() {
            while let Some(hand) = &self.hand
                && !thread.is_finished()
            {
                hand.advance(STRIDE);
                std::thread::park_timeout(STEP);
            }
            // Its panic has been printed, and a second one here would hide it.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for TestApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestApp").field("handle", &self.handle).finish_non_exhaustive()
    }
}
