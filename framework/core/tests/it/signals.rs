//! Each signal in each phase: exit code, order, report.

use rustix::{
    fs::{CWD, Mode, mkfifoat},
    process::Signal,
};

use crate::process::Phases;

const QUICK: &[&str] = &["lifecycle.stop_timeout=2s", "lifecycle.hard_stop=100ms"];

/// The lines of `report` that begin with one of `words`, in their order.
fn assert_order(report: &str, words: &[&str]) {
    let mut rest = report;
    for word in words {
        let at =
            rest.find(word).unwrap_or_else(|| panic!("`{word}` is not in its place in:\n{report}"));
        rest = &rest[at + word.len()..];
    }
}

#[test]
fn a_signal_while_running_stops_in_order_with_code_0() {
    for (signal, name) in
        [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT"), (Signal::QUIT, "SIGQUIT")]
    {
        let mut phases = Phases::start("none", QUICK);
        phases.wait_for("running");
        phases.signal(signal);
        let (code, report) = phases.end();
        assert_eq!(code, 0, "{report}");
        assert_order(
            &report,
            &["ready in", &format!("stopping: {name}"), "worker", "close the store", "stopped in"],
        );
    }
}

/// Also for the first process of a container, which has no default action to die of.
#[test]
fn a_signal_before_the_start_ends_it_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("slow.yaml");
    let mode = Mode::RUSR | Mode::WUSR;
    mkfifoat(CWD, &file, mode).unwrap();
    let phases = Phases::start_with("none", &["--config", file.to_str().unwrap()]);
    // It opens when the fixture does, and has nothing to be read.
    let _pipe = std::fs::File::options().write(true).open(&file).unwrap();
    phases.signal(Signal::TERM);
    let (code, report) = phases.end();
    assert_eq!(code, 0, "{report}");
    assert_eq!(report, "SIGTERM before anything was started · exit code 0\n");
}

#[test]
fn a_signal_during_an_init_cancels_the_start_and_rolls_back() {
    let mut phases = Phases::start("init", QUICK);
    phases.wait_for("init");
    phases.signal(Signal::TERM);
    let (code, report) = phases.end();
    assert_eq!(code, 0, "{report}");
    assert_order(&report, &["stopping: SIGTERM", "close the store", "exit code 0"]);
    assert!(!report.contains("ready in"), "{report}");
}

#[test]
fn a_signal_before_a_runnable_is_ready_rolls_back() {
    let mut phases = Phases::start("start", QUICK);
    phases.wait_for("start");
    phases.signal(Signal::TERM);
    let (code, report) = phases.end();
    // It waits for its start and for nothing else, so that it has to be cut.
    assert_eq!(code, 74, "{report}");
    assert_order(&report, &["stopping: SIGTERM", "worker did not stop", "close the store"]);
}

#[test]
fn a_second_signal_while_stopping_cuts_the_deadline() {
    let mut phases =
        Phases::start("stop", &["lifecycle.stop_timeout=1h", "lifecycle.hard_stop=5s"]);
    phases.wait_for("running");
    phases.signal(Signal::TERM);
    phases.wait_for("stop");
    phases.signal(Signal::INT);
    let (code, report) = phases.end();
    assert_eq!(code, 74, "{report}");
    assert_order(
        &report,
        &[
            "SIGINT: the deadlines are cut",
            "worker did not stop",
            "close the store",
            "`worker` did not stop in time",
        ],
    );
}

#[test]
fn a_third_signal_ends_the_process_at_once() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut phases =
            Phases::start("undo", &["lifecycle.stop_timeout=1h", "lifecycle.hard_stop=10m"]);
        phases.wait_for("running");
        phases.signal(Signal::TERM);
        phases.wait_for("undo");
        phases.signal(Signal::TERM);
        phases.wait_for("noted");
        phases.signal(signal);
        assert_eq!(phases.end().0, code);
    }
}

#[test]
fn a_signal_during_a_rollback_is_noted_and_the_code_stays() {
    let mut phases = Phases::start("failure", QUICK);
    phases.wait_for("undo");
    phases.signal(Signal::TERM);
    let (code, report) = phases.end();
    assert_eq!(code, 70, "{report}");
    assert!(report.contains("SIGTERM: already stopping"), "{report}");
    assert_order(
        &report,
        &[
            "`store` failed to start",
            "the store is broken",
            "rolling back",
            "close the store",
            "exit code 70",
        ],
    );
}

#[test]
fn an_undo_that_hangs_is_abandoned_and_told() {
    let mut phases =
        Phases::start("undo", &["lifecycle.stop_timeout=1s", "lifecycle.hard_stop=200ms"]);
    phases.wait_for("running");
    phases.signal(Signal::TERM);
    let (code, report) = phases.end();
    assert_eq!(code, 74, "{report}");
    let reason = "exit code 74 (`store: close the store` did not stop in time)";
    assert_order(&report, &["close the store: it took too long and was abandoned", reason]);
}

/// Trap 7: a task that never yields cannot be aborted; the watchdog ends the process.
#[test]
fn what_blocks_a_worker_for_ever_is_named_by_the_watchdog() {
    let settings =
        ["lifecycle.stop_timeout=300ms", "lifecycle.hard_stop=50ms", "runtime.worker_threads=1"];
    let mut phases = Phases::start("block", &settings);
    phases.wait_for("running");
    phases.signal(Signal::TERM);
    phases.wait_for("block");
    let (code, report) = phases.end();
    assert_eq!(code, 74, "{report}");
    assert!(report.contains("worker"), "{report}");
}

/// The deadlines and the signals need no worker.
#[test]
fn an_init_that_blocks_every_worker_fails_the_start() {
    let settings = [
        "lifecycle.start_timeout=300ms",
        "lifecycle.stop_timeout=300ms",
        "lifecycle.hard_stop=50ms",
        "runtime.worker_threads=1",
    ];
    let mut phases = Phases::start("block-init", &settings);
    phases.wait_for("init");
    let (code, report) = phases.end();
    assert_eq!(code, 70, "{report}");
    assert!(report.contains("it did not start within 300ms"), "{report}");
}

/// When nothing else can, the watchdog ends the process, and names what has not ended.
#[test]
fn what_blocks_the_driver_is_ended_by_the_watchdog() {
    let settings = ["lifecycle.stop_timeout=300ms", "lifecycle.hard_stop=50ms"];
    let mut phases = Phases::start("block-driver", &settings);
    phases.wait_for("running");
    phases.signal(Signal::TERM);
    let (code, report) = phases.end();
    assert_eq!(code, 74, "{report}");
    assert!(report.contains("stuck at the deadline: "), "{report}");
    assert!(report.contains("worker"), "{report}");
}

#[test]
fn a_value_whose_destructor_hangs_or_panics_is_told_before_the_end() {
    let (code, report) = ended_in("drop", QUICK);
    assert_eq!(code, 74, "{report}");
    let said = "`application: drop what is left` did not stop in time";
    assert_order(&report, &["close the store", "drop what is left", "stopped in", said]);

    let (code, report) = ended_in("drop-panic", QUICK);
    assert_eq!(code, 1, "{report}");
    assert_order(&report, &["close the store", "panicked: it is held", "stopped in"]);
}

fn ended_in(phase: &str, sets: &[&str]) -> (i32, String) {
    let mut phases = Phases::start(phase, sets);
    phases.wait_for("running");
    phases.signal(Signal::TERM);
    phases.end()
}

#[test]
fn bad_settings_and_a_bad_command_line_have_their_codes() {
    let (code, report) = Phases::start("none", &["lifecycle.stop_timeout=soon"]).end();
    assert_eq!(code, 78, "{report}");
    assert!(report.contains("not a duration; write 500ms, 5s or 2m"), "{report}");
    let (code, report) = Phases::start("none", &["nonsense"]).end();
    assert_eq!(code, 64, "{report}");
}
