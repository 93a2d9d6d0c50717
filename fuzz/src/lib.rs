//! What must hold for whatever a parser of ours is given: it ends, it does not panic, what it took
//! it writes as it reads it, and what it says is short and shows no secret.
//!
//! Each target is a plain function, so that one set of them serves libFuzzer (`fuzz_targets/`) and
//! the replay of the corpus on a stable compiler (`tests/replay.rs`).

extern crate purlin_core as purlin;

mod config;
mod connection;
mod headers;
mod keys;
mod texts;
mod wire;

use std::{
    str,
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use axum::{extract::FromRequestParts as _, http::Request};
use purlin_admin::HealthPath;
use purlin_auth::jwt::{JwtAuthenticator, JwtConfig};
use purlin_core::{
    clock::Clock,
    config::{ByteSize, Listen},
    meter::Meter,
};
use purlin_http::extract::{Cursor, CursorPage, Page};
use purlin_scheduler::Schedule;
use tokio::runtime::{Builder, Runtime};

pub use self::{
    config::{dot_env, duration, placeholder, yaml},
    connection::connection,
    headers::{headers, retry_after},
    keys::jwks,
    texts::{http_text, telemetry_text},
    wire::{frames, tape},
};

/// Every target by name; its corpus is `corpus/{name}`.
pub const TARGETS: [(&str, fn(&[u8])); 19] = [
    ("connection", connection),
    ("cron", cron),
    ("cursor", cursor),
    ("dot_env", dot_env),
    ("duration", duration),
    ("frames", frames),
    ("headers", headers),
    ("health_path", health_path),
    ("http_text", http_text),
    ("jwks", jwks),
    ("jwt", jwt),
    ("listen", listen),
    ("page", page),
    ("placeholder", placeholder),
    ("retry_after", retry_after),
    ("size", size),
    ("tape", tape),
    ("telemetry_text", telemetry_text),
    ("yaml", yaml),
];

/// A schedule is written as it is read, and its times rise.
pub fn cron(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(schedule) = text.parse::<Schedule>() else { return };
    let written = schedule.to_string();
    let again = written.parse::<Schedule>();
    assert_eq!(again.map(|again| again.to_string()).ok(), Some(written), "{text:?}");
    let Schedule::Cron(cron) = schedule else { return };
    let mut time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    for _ in 0..3 {
        let Some(next) = cron.next_after(time) else { return };
        assert!(next > time, "{text:?} comes at {next:?} after {time:?}");
        assert_eq!(cron.last_until(next), Some(next), "{text:?}");
        time = next;
    }
}

/// A cursor is written as it is read, whatever is in it.
pub fn cursor(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(cursor) = text.parse::<Cursor>() else { return };
    assert_eq!(cursor.to_string().parse(), Ok(cursor.clone()));
    let _ = cursor.read::<(u64, String)>();
}

/// A path of the liveness probe is kept as it is.
pub fn health_path(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(path) = text.parse::<HealthPath>() {
        assert_eq!(path.as_str(), text);
        // The router panics on what it takes for a pattern.
        assert!(!text.contains(['{', '}', '*', '?', '#']), "{text:?}");
    }
}

/// Nobody gets in without the secret, and no refusal repeats what was sent.
pub fn jwt(data: &[u8]) {
    static CHECKS: LazyLock<(Runtime, JwtAuthenticator)> = LazyLock::new(|| {
        let runtime = runtime();
        let authenticator = runtime.block_on(authenticator());
        (runtime, authenticator)
    });
    let Ok(token) = str::from_utf8(data) else { return };
    let (runtime, authenticator) = &*CHECKS;
    let error = runtime.block_on(authenticator.verify(token)).expect_err("it is not signed");
    let said = error.to_string();
    assert!(said.len() < 1024, "{} bytes are said of it", said.len());
    assert!(token.len() < 64 || !said.contains(token), "{said}");
}

/// An address is written as it is read.
pub fn listen(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(listen) = text.parse::<Listen>() {
        assert_eq!(listen.to_string().parse(), Ok(listen), "{text:?}");
    }
}

/// A page that is asked for is within its bounds.
pub fn page(data: &[u8]) {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(runtime);
    let Ok(query) = str::from_utf8(data) else { return };
    let Ok(request) = Request::builder().uri(format!("/?{query}")).body(()) else { return };
    let (mut parts, ()) = request.into_parts();
    RUNTIME.block_on(async {
        if let Ok(page) = Page::from_request_parts(&mut parts, &()).await {
            assert!((1..=100).contains(&page.limit()) && page.offset() >= 0, "{query:?}");
        }
        if let Ok(page) = CursorPage::from_request_parts(&mut parts, &()).await {
            assert!((1..=100).contains(&page.limit()), "{query:?}");
            let _ = page.after::<(u64, String)>();
        }
    });
}

/// A size is written as it is read, and never wraps around.
pub fn size(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(size) = text.parse::<ByteSize>() else { return };
    assert_eq!(size.to_string().parse(), Ok(size), "{text:?}");
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let whole = digits.parse::<u64>().unwrap_or_default();
    assert!(size.bytes() >= whole || text.contains('_'), "{text:?} is {size}");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime can be built")
}

/// Lets in whoever knows a secret that is in no input.
async fn authenticator() -> JwtAuthenticator {
    let secret = "0123456789abcdef0123456789abcdef0123456789abcdef".to_owned();
    let config = JwtConfig { secret: Some(secret.into()), ..JwtConfig::default() };
    let meter = Meter::noop();
    let connected = JwtAuthenticator::connect("jwt", &config, Clock::system(), &meter);
    connected.await.expect("a secret needs no connection")
}
