//! Services as processes of their own.

use std::{fs, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use purlin_testing::{Ended, Program, Signal};

fn program(mode: &str) -> Program {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/service.sh");
    Program::new(script).env("MODE", mode)
}

/// What a start that fails says.
async fn said(program: &Program) -> String {
    let panic = AssertUnwindSafe(program.start()).catch_unwind().await.expect_err("it panics");
    *panic.downcast::<String>().expect("a text")
}

#[tokio::test]
async fn a_service_is_ready_when_it_says_so_and_ends_by_a_signal() {
    let program = program("serves");
    let service = program.start().await;
    assert_eq!(service.address("http").port(), 8099);
    service.signal(Signal::Terminate);
    let Ended { code, output } = service.ended().await;
    assert_eq!(code, Some(3));
    assert!(output.contains("ready in") && output.ends_with("stopped in 1 ms\n"), "{output}");

    let again = program.start().await;
    again.signal(Signal::Kill);
    assert_eq!(again.ended().await.code, None);
    let log = fs::read_to_string(program.directory().join("log")).unwrap();
    assert_eq!(log, "started\nstarted\n", "it is the same directory");
}

#[tokio::test]
async fn a_service_without_a_report_is_ready_when_its_log_says_so() {
    let service = program("logs").start().await;
    assert_eq!(service.address("http").port(), 8100);
}

#[tokio::test]
async fn a_start_that_fails_shows_what_was_said() {
    let failed = said(&program("fails")).await;
    assert_eq!(
        failed,
        "service.sh ended with exit code 78 before it was ready; it said:\nerror: 1 problem\n"
    );
    let silent = said(&program("silent").within(Duration::from_millis(50))).await;
    assert!(silent.starts_with("service.sh is not ready within 50ms; it said:"), "{silent}");
    let missing = said(&Program::new("/nowhere/service")).await;
    assert!(missing.starts_with("/nowhere/service cannot be run: "), "{missing}");
}

#[tokio::test]
async fn a_process_ends_with_its_handle() {
    let program = program("serves");
    let (service, directory) = (program.start().await, program.directory().to_owned());
    drop(program);
    assert!(directory.exists(), "it is still in use");
    let pid = service.id();
    drop(service);
    let gone = || !fs::exists(format!("/proc/{pid}/cwd")).unwrap();
    purlin_testing::eventually(async || gone()).await;
    assert!(!directory.exists());
}

#[test]
fn a_verb_runs_to_its_end() {
    let Ended { code, output } = program("verb").set("a.b", 7).run(&["check", "--strict"]);
    assert_eq!(code, Some(0));
    assert_eq!(output, "verb: --set admin.listen=127.0.0.1:0 --set a.b=7 check --strict\n");
}
