//! Who is compared; the programs lie beside this one.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::served::Contestant;

/// Bare axum over a loop by hand.
pub(super) const LOOP: &str = "axum, loop by hand";
/// Bare axum as everybody serves it.
pub(super) const SERVE: &str = "axum::serve";
/// The same with the address of the client among the extensions, which Purlin always has.
pub(super) const SERVE_ADDR: &str = "axum::serve, address";
/// Purlin with its layers off.
pub(super) const BARE: &str = "purlin, no layers";
/// The default stack by hand.
pub(super) const BY_HAND: &str = "layers by hand";
/// Purlin as it is.
pub(super) const PURLIN: &str = "purlin";
/// The default stack by hand, with a span of OpenTelemetry for each request.
pub(super) const BY_HAND_TRACED: &str = "layers by hand, traced";
/// Purlin, with the same.
pub(super) const TRACED: &str = "purlin, traced";

/// The address is free, nobody balances load, and admin has whatever port there is.
const SETTINGS: [&str; 6] = [
    "--set",
    "http.listen={addr}",
    "--set",
    "admin.listen=127.0.0.1:0",
    "--set",
    "lifecycle.drain_delay=0s",
];

/// Those without layers.
pub(super) fn bare() -> Result<Vec<Contestant>> {
    let mut settings = SETTINGS.to_vec();
    settings.extend(["--set", "http.layers.enabled=false"]);
    Ok(vec![
        Contestant::new(LOOP, beside("serve-axum")?, &["loop"]),
        Contestant::new(SERVE, beside("serve-axum")?, &[]),
        Contestant::new(SERVE_ADDR, beside("serve-axum")?, &["address"]),
        Contestant::new(BARE, beside("serve-purlin")?, &settings),
    ])
}

/// Those with the default stack.
pub(super) fn layered() -> Result<Vec<Contestant>> {
    let mut traced = SETTINGS.to_vec();
    // Spans are made, and nobody is sent them.
    traced.extend(["--set", "otel.traces.exporter=none"]);
    Ok(vec![
        Contestant::new(BY_HAND, beside("serve-layers")?, &[]),
        Contestant::new(PURLIN, beside("serve-purlin")?, &SETTINGS),
        Contestant::new(BY_HAND_TRACED, beside("serve-layers")?, &["traced"]),
        Contestant::new(TRACED, beside("serve-purlin")?, &traced),
    ])
}

fn beside(program: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().context("could not find this program")?;
    Ok(this.with_file_name(program))
}
