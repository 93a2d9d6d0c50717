use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::Arc,
};

use purlin_core::{
    app::App,
    async_trait,
    error::Result,
    event::Event,
    meter::Exposition,
    runnable::{OnEnd, Run, RunCx, Runnable},
    spawner::Spawner,
};
use purlin_telemetry::{TelemetryModule, meter::undeclared, metrics};
use tokio::sync::mpsc::unbounded_channel;

use crate::acts::act;

/// Panics, once it is ready.
struct Fails;

#[async_trait]
impl Runnable for Fails {
    async fn run(&self, cx: RunCx) -> Result<()> {
        cx.ready();
        panic!("on purpose")
    }
}

/// Leads, and does nothing with it.
struct Leads;

#[async_trait]
impl Runnable for Leads {
    async fn run(&self, cx: RunCx) -> Result<()> {
        cx.ready();
        cx.stopping().await;
        Ok(())
    }
}

/// The metrics of an application that has seen much.
async fn eventful() -> String {
    let (events, mut seen) = unbounded_channel();
    let app = App::builder()
        .shell(TelemetryModule::new())
        .runnable(Run::new("fails", || Fails).on_end(OnEnd::Ignore))
        .runnable(Run::new("leads", || Leads).leader_only("totals"))
        .set("leader.local", "allow")
        .set("lifecycle.drain_delay", "0s")
        .on_event(move |event| drop(events.send(event.clone())))
        .start()
        .await
        .unwrap();
    let task = app.get::<Spawner>().spawn("fails too", async { panic!("on purpose") });
    task.await.unwrap_err();
    let (mut leads, mut ended) = (false, false);
    while !(leads && ended) {
        match seen.recv().await.expect("the application runs") {
            Event::LeadershipAcquired { .. } => leads = true,
            Event::RunnableEnded { .. } => ended = true,
            _ => {}
        }
    }
    let text = app.get::<Arc<dyn Exposition>>().text().unwrap();
    app.stop().await;
    text
}

#[tokio::test]
async fn what_happens_is_counted() {
    let text = eventful().await;
    for sample in [
        "purlin_ready 1",
        "purlin_panics_total 2",
        "purlin_runnable_ends_total{end=\"panicked\",runnable=\"fails\"} 1",
        "purlin_leader{lease=\"totals\"} 1",
        "purlin_leader_transitions_total{lease=\"totals\",to=\"acquired\"} 1",
    ] {
        assert!(text.lines().any(|line| line == sample), "no {sample} in {text}");
    }
    assert!(
        text.contains("purlin_build_info{name=\"") && text.contains("revision=\"unknown\""),
        "{text}"
    );
    assert!(text.contains("purlin_module_start_seconds{module=\"telemetry\"}"), "{text}");
    assert_eq!(undeclared(&text, metrics::ALL), Vec::<String>::new());
}

/// The metrics of a process, those of its log included.
fn of_a_process() -> String {
    let (_, lines) = act(&["--profile", "prod"], &[]);
    let counted = lines.iter().find(|line| line["message"] == "counted");
    counted
        .and_then(|line| line["metrics"].as_str())
        .expect("the example logs its metrics")
        .to_owned()
}

#[test]
fn the_log_is_counted() {
    let text = of_a_process();
    assert!(text.contains("purlin_log_records_total{level=\"warn\"} 1\n"), "{text}");
    assert!(text.contains("purlin_log_lines_lost_total 0\n"), "{text}");
    assert_eq!(undeclared(&text, metrics::ALL), Vec::<String>::new());
}

#[tokio::test]
async fn promtool_finds_no_fault() {
    let Some(promtool) = purlin_testing::server("promtool") else { return };
    for text in [eventful().await, of_a_process()] {
        let mut check = Command::new(promtool.address())
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = check.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}\n{text}");
    }
    let version = Command::new(promtool.address()).arg("--version").output().unwrap();
    let version = String::from_utf8_lossy(&version.stdout);
    promtool.met(version.split_whitespace().nth(2).expect("promtool says its version"));
}
