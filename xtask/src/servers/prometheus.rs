//! Prometheus, which reads metrics, and `promtool`, which checks how they are written.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Server, Site, debian, program};

/// A program of Prometheus. A suite that asks for the server starts its own.
#[derive(Debug)]
pub(super) struct OfPrometheus(pub(super) &'static str);

// === impl OfPrometheus ===

impl Server for OfPrometheus {
    fn name(&self) -> &'static str {
        self.0
    }

    fn local(&self) -> Option<PathBuf> {
        program(self.0, env::var_os("PATH").as_deref())
    }

    fn fetch(&self, site: &Site<'_>) -> Result<(PathBuf, String)> {
        let package = debian::unpacked("prometheus", site)?;
        Ok((package.join("usr/bin").join(self.0), "Debian package prometheus".to_owned()))
    }

    fn version(&self, address: &str, site: &Site<'_>) -> Result<String> {
        let said = site.processes.capture(Command::new(address).arg("--version"))?;
        let version = version_in(self.0, &said).map(str::to_owned);
        version.with_context(|| {
            format!("{address} --version does not look like that of {}: {said}", self.0)
        })
    }
}

/// `promtool, version 2.42.0+ds (branch: …)` up to Prometheus 2, the same on stdout in 3.
fn version_in<'a>(name: &str, said: &'a str) -> Option<&'a str> {
    let version = said.strip_prefix(name)?.strip_prefix(", version ")?;
    version.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn the_version_stands_on_the_first_line() {
        let said =
            "promtool, version 2.42.0+ds (branch: debian/sid, revision: 2)\n  go version: go1\n";
        assert_eq!(version_in("promtool", said), Some("2.42.0+ds"));
        assert_eq!(version_in("promtool", "prometheus, version 2.42.0"), None);
        assert_eq!(version_in("prometheus", "prometheus, version 2.42.0"), Some("2.42.0"));
    }
}
