//! Texts of the configuration that modules read by themselves.

use std::{
    fmt::{Debug, Display},
    str::{self, FromStr},
};

use purlin_http::config::{AllowedOrigin, Network, RateLimitKey};
use purlin_telemetry::{
    log::{Levels, Sampling},
    otlp::{Endpoint, Millis, Pairs, Propagators, Sampler},
};

/// Origins, networks and the keys of rate limits are written as they are read; an origin allows
/// itself, and nothing that is `null`.
pub fn http_text(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    written_as_read::<Network>(text);
    written_as_read::<RateLimitKey>(text);
    let Some(origin) = written_as_read::<AllowedOrigin>(text) else { return };
    let written = origin.to_string();
    assert!(origin.is_any() || !origin.allows("null"), "{text:?}");
    assert!(origin.allows(&written.replacen('*', "eu", 1)), "{text:?} does not allow {written:?}");
    assert!(origin.is_any() || !origin.allows(&format!("{written}.evil.example")), "{text:?}");
}

/// Levels and samplings are written as they are read; the values of `OTEL_` variables are read or
/// refused.
pub fn telemetry_text(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    written_as_read::<Levels>(text);
    written_as_read::<Sampling>(text);
    if let Ok(pairs) = text.parse::<Pairs>() {
        assert!(pairs.iter().all(|(name, _)| !name.is_empty()), "{text:?}");
        assert!(pairs.iter().count() <= text.split(',').count(), "{text:?}");
    }
    let _ = (text.parse::<Endpoint>(), text.parse::<Millis>());
    let _ = (text.parse::<Propagators>(), text.parse::<Sampler>());
}

fn written_as_read<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) -> Option<T> {
    let read = text.parse::<T>().ok()?;
    let written = read.to_string();
    let again = written.parse::<T>();
    assert_eq!(again.ok().as_ref(), Some(&read), "{text:?} is written as {written:?}");
    Some(read)
}
