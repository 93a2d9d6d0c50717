//! Every duration, size and count of the framework's own settings has bounds: what would wrap
//! around, spin or never end is refused before anything starts.

#![cfg(all(
    feature = "auth",
    feature = "http",
    feature = "resilience",
    feature = "scheduler",
    feature = "sqlite"
))]

use purlin::{
    config::{Inputs, Shape},
    prelude::*,
    resilience::GuardConfig,
};

/// The partner's API.
#[derive(Debug, Clone, Config)]
#[config(section = "partner")]
#[expect(dead_code, reason = "what matters is how it is read")]
struct PartnerConfig {
    /// How calls to it are guarded.
    #[config(nested)]
    guard: GuardConfig,
}

/// Every module of the framework.
fn app() -> AppBuilder {
    App::builder()
        .package(purlin::package!())
        .config::<PartnerConfig>()
        .module(SqliteModule)
        .module(JwtModule)
        .module(SchedulerModule)
        .module(HttpModule::new(Routes::<()>::new))
        .inputs(Inputs::hermetic())
}

/// All fields of these shapes are refused `value`, each by name.
#[track_caller]
fn assert_refused(shapes: &[Shape], value: &str) {
    let keys: Vec<_> = shapes.iter().flat_map(|shape| app().keys_of(shape)).collect();
    assert!(!keys.is_empty());
    let app = keys.iter().fold(app(), |app, key| app.set(key, value));
    let said = app.build().expect_err("nothing of this can be meant").to_string();
    for key in &keys {
        assert!(said.contains(&format!(".set({key:?}, ..)")), "{key} takes {value}: {said}");
    }
}

#[test]
fn every_duration_has_a_maximum() {
    assert_refused(&[Shape::Duration], "100000d");
}

#[test]
fn every_size_has_a_maximum() {
    assert_refused(&[Shape::ByteSize], "1000000TiB");
}

#[test]
fn every_count_has_a_maximum() {
    let shapes = [Shape::of::<usize>(), Shape::of::<u64>(), Shape::of::<u32>(), Shape::of::<u16>()];
    assert_refused(&shapes, "4294967295");
}

#[test]
fn every_number_is_finite() {
    assert_refused(&[Shape::Float], "NaN");
    assert_refused(&[Shape::Float], "inf");
}

#[test]
fn what_would_spin_or_end_at_once_is_refused_together() {
    let least = [
        (
            "leader.ttl",
            "999ms",
            "must be from 1s to 3650d: a third of it is the pause between renewals",
        ),
        ("lifecycle.start_timeout", "0s", "must be from 1ms to 1h"),
        ("lifecycle.stop_timeout", "0s", "must be from 100ms to 24h"),
        ("lifecycle.hard_stop", "0s", "must be from 1ms to 1h"),
        ("lifecycle.health_timeout", "0s", "must be from 1ms to 1h"),
        ("runtime.stack_size", "1KiB", "must be from 256KiB to 1GiB"),
        ("runtime.worker_threads", "0", "must be from 1 to 1024"),
        ("http.header_read_timeout", "0s", "must be from 10ms to 1h"),
        ("http.idle_timeout", "0s", "must be from 10ms to 24h"),
        ("sqlite.acquire_timeout", "0s", "must be from 1ms to 1h"),
        ("jwt.jwks_refresh", "0s", "must be from 1s to 30d"),
        ("jwt.max_token_size", "0", "must be from 128B to 1MiB"),
    ];
    let app = least.iter().fold(app(), |app, (key, value, _)| app.set(*key, *value));
    let said = app.build().expect_err("nothing of this can be meant").to_string();
    for (key, value, why) in least {
        assert!(said.contains(&format!(".set({key:?}, ..)={value:?}: {why}")), "{key}: {said}");
    }
}
