//! An application that does what `--set act.act=..` asks for, so that a test can look at its log,
//! its exit code and its metrics from outside.

use std::{collections::HashMap, process::ExitCode, sync::Arc};

extern crate purlin_core as purlin;

use purlin::{
    app::App,
    async_trait,
    config::Config,
    error::Result,
    meter::Exposition,
    runnable::{OnEnd, Run, RunCx, Runnable},
    shutdown::ShutdownHandle,
    trace,
};
use purlin_telemetry::TelemetryModule;

/// What is to be done.
#[derive(Debug, Clone, Config)]
#[config(section = "act")]
struct ActConfig {
    /// `log`, `pass_on`, `fatal`, `panic` or `refuse`.
    #[config(default = "log")]
    act: String,
    /// How many lines are logged.
    #[config(default = 1)]
    lines: u32,
}

/// What the actor needs, and does not get where the start is to fail.
struct Leave;

struct Actor {
    config: Arc<ActConfig>,
    metrics: Arc<dyn Exposition>,
    shutdown: ShutdownHandle,
}

#[async_trait]
impl Runnable for Actor {
    async fn run(&self, cx: RunCx) -> Result<()> {
        cx.ready();
        match self.config.act.as_str() {
            "log" => {
                self.talk();
                tracing::info!(metrics = self.metrics.text()?, "counted");
                self.shutdown.request("done", 0);
            }
            "pass_on" => {
                let brought = HashMap::from([(
                    "traceparent".to_owned(),
                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
                )]);
                let sent = trace::within(Some(trace::extract(&brought)), async {
                    let mut sent = HashMap::new();
                    trace::inject(&mut sent);
                    tracing::info!("passed on");
                    sent
                });
                let sent = sent.await;
                tracing::info!(traceparent = sent.get("traceparent"), "asked");
                self.shutdown.request("done", 0);
            }
            "fatal" => tracing::error!(fatal = true, "the signing key was revoked"),
            "panic" => panic!("out of ideas"),
            other => purlin::error::bail!("there is no act `{other}`"),
        }
        cx.stopping().await;
        Ok(())
    }
}

impl Actor {
    #[tracing::instrument(skip(self), fields(correlation_id = "c-1"))]
    fn talk(&self) {
        for line in 0..self.config.lines {
            tracing::info!(component = "actor", line, "said");
        }
        log::warn!(target: "old_library", "said through log");
    }
}

fn actor(
    config: Arc<ActConfig>,
    metrics: Arc<dyn Exposition>,
    shutdown: ShutdownHandle,
    _: Arc<Leave>,
) -> Actor {
    Actor { config, metrics, shutdown }
}

fn main() -> ExitCode {
    App::builder()
        .package(purlin::package!())
        .shell(TelemetryModule::new())
        .config::<ActConfig>()
        .provide(|config: Arc<ActConfig>| async move {
            purlin::error::ensure!(config.act != "refuse", "nobody may act");
            Ok(Arc::new(Leave))
        })
        .runnable(Run::new("actor", actor).on_end(OnEnd::StopApp))
        .run()
}
