//! A recording of this process, read by ourselves and by Go's pprof.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    hint::black_box,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
};

use purlin_profile::{
    Profile,
    cpu::{DEFAULT_HZ, MAX_HZ, RecordError, Recording},
};

#[inline(never)]
fn calls_what_burns() -> u64 {
    let sum = burns_the_processor();
    black_box(sum)
}

/// A quarter of a second or more of a processor.
#[inline(never)]
fn burns_the_processor() -> u64 {
    let mut sum = 0_u64;
    for n in 0..40_000_000_u64 {
        sum = black_box(sum.wrapping_mul(31).wrapping_add(n));
    }
    sum
}

/// A process has one recording at a time, and so have the tests of this process.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn recorded() -> Profile {
    let recording = Recording::start(MAX_HZ).unwrap();
    calls_what_burns();
    recording.stop().unwrap().resolve()
}

#[test]
fn a_recording_has_the_stack_of_what_burns() {
    let _alone = alone();
    let profile = recorded();
    let burning: Vec<_> = profile
        .stacks()
        .filter(|stack| stack.functions.iter().any(|name| name.contains("burns_the_processor")))
        .collect();
    assert!(burning.iter().map(|stack| stack.weight).sum::<i64>() >= 10, "{burning:?}");
    let place = |name: &str| {
        burning[0].functions.iter().position(|function| function.contains(name)).unwrap()
    };
    assert!(place("calls_what_burns") < place("burns_the_processor"), "{burning:?}");
    let image = String::from_utf8(profile.flame_graph("CPU").unwrap()).unwrap();
    assert!(image.contains("burns_the_processor") && image.contains(" samples, "), "{image}");
    assert_eq!(Profile::decode(&profile.encode()).unwrap(), profile);
}

#[test]
fn a_process_has_one_recording_at_a_time() {
    let _alone = alone();
    let first = Recording::start(DEFAULT_HZ).unwrap();
    assert_eq!(Recording::start(DEFAULT_HZ).unwrap_err(), RecordError::Running);
    drop(first);
    drop(Recording::start(DEFAULT_HZ).unwrap());
    for hz in [0, MAX_HZ + 1, u32::MAX] {
        assert_eq!(Recording::start(hz).unwrap_err(), RecordError::Frequency(hz));
    }
}

#[test]
fn go_reads_a_recording() {
    let Some(go) = purlin_testing::server("go") else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cpu.pb.gz");
    let profile = {
        let _alone = alone();
        recorded()
    };
    std::fs::write(&file, profile.encode()).unwrap();
    let pprof = |sort: &str| {
        let mut pprof = Command::new(go.address());
        pprof.args(["tool", "pprof", "-top", sort]).arg(&file);
        let output = pprof.output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{said}");
        said
    };
    let top = pprof("-cum");
    assert!(top.contains("Type: cpu") && top.contains("Duration: "), "{top}");
    assert!(top.lines().any(|line| line.contains("calls_what_burns")), "{top}");
    let version = Command::new(go.address()).arg("version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    go.met(version.split_whitespace().nth(2).unwrap().trim_start_matches("go"));
}
