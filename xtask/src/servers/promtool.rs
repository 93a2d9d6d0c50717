//! `promtool`, which checks that metrics are written as Prometheus reads them.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Server, Site, debian, program};

/// The tool of Prometheus; not a server, so there is nothing to start.
#[derive(Debug)]
pub(super) struct Promtool;

// === impl Promtool ===

impl Server for Promtool {
    fn name(&self) -> &'static str {
        "promtool"
    }

    fn local(&self) -> Option<PathBuf> {
        program("promtool", env::var_os("PATH").as_deref())
    }

    fn fetch(&self, site: &Site<'_>) -> Result<(PathBuf, String)> {
        let package = debian::unpacked("prometheus", site)?;
        Ok((package.join("usr/bin/promtool"), "Debian package prometheus".to_owned()))
    }

    fn version(&self, address: &str, site: &Site<'_>) -> Result<String> {
        let said = site.processes.capture(Command::new(address).arg("--version"))?;
        version_in(&said)
            .map(str::to_owned)
            .with_context(|| format!("{address} --version does not look like promtool's: {said}"))
    }
}

/// `promtool, version 2.42.0+ds (branch: …)` up to Prometheus 2, the same on stdout in 3.
fn version_in(said: &str) -> Option<&str> {
    said.strip_prefix("promtool, version ")?.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn the_version_stands_on_the_first_line() {
        let said =
            "promtool, version 2.42.0+ds (branch: debian/sid, revision: 2)\n  go version: go1\n";
        assert_eq!(version_in(said), Some("2.42.0+ds"));
        assert_eq!(version_in("prometheus, version 2.42.0"), None);
    }
}
