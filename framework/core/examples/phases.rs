//! A fixture of the tests: an application that announces each phase of its life on standard output,
//! and stays in the one that the variable `PHASE` names, so that a test can send it a real signal
//! there without sleeping.

use std::{io::Write as _, process::ExitCode, sync::Arc};

use tokio::sync::Notify;

use purlin_core::{
    app::App,
    async_trait,
    config::NoConfig,
    error::{Result, bail},
    event::Event,
    init::Init,
    module::Module,
    runnable::{Run, RunCx, Runnable},
};

fn main() -> ExitCode {
    App::builder()
        .package(purlin_core::package!())
        .module(Store)
        .runnable(Run::new("worker", |_: Arc<Opened>| Worker))
        .on_event(|event| match event {
            Event::Ready { .. } => announce("running"),
            Event::Stopping { .. } => {
                announce("stopping");
                block_in("block-driver");
            }
            Event::SignalIgnored { .. } => {
                announce("noted");
                NOTED.notify_one();
            }
            _ => {}
        })
        .run()
}

/// A signal that changed nothing has been seen.
static NOTED: Notify = Notify::const_new();

struct Opened;

impl Drop for Opened {
    fn drop(&mut self) {
        block_in("drop");
        assert!(phase() != "drop-panic", "it is held");
    }
}

struct Store;

impl Module for Store {
    const NAME: &'static str = "store";
    type Config = NoConfig;
    type Needs = ();
    type Gives = Arc<Opened>;

    async fn init(&self, _: NoConfig, (): (), cx: &mut Init) -> Result<Arc<Opened>> {
        let opened = Arc::new(Opened);
        cx.undo("close the store", &opened, |_| async {
            announce("undo");
            stay_in("undo").await;
            if phase() == "failure" {
                NOTED.notified().await;
            }
        });
        announce("init");
        block_in("block-init");
        stay_in("init").await;
        if phase() == "failure" {
            bail!("the store is broken");
        }
        Ok(opened)
    }
}

struct Worker;

#[async_trait]
impl Runnable for Worker {
    async fn run(&self, cx: RunCx) -> Result<()> {
        announce("start");
        stay_in("start").await;
        cx.ready();
        cx.stopping().await;
        announce("stop");
        stay_in("stop").await;
        announce("block");
        block_in("block");
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "a fixture has no configuration of its own")]
fn phase() -> String {
    std::env::var("PHASE").unwrap_or_default()
}

async fn stay_in(name: &str) {
    if phase() == name {
        std::future::pending::<()>().await;
    }
}

fn block_in(name: &str) {
    while phase() == name {
        std::thread::park();
    }
}

fn announce(phase: &str) {
    // The test may have read enough.
    let _ = writeln!(std::io::stdout(), "{phase}");
}
