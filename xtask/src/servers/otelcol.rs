//! The OpenTelemetry collector, with what tests need of it: OTLP in, files out.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Server, Site, is_program, program};

/// A collector that writes what it receives to files; a suite starts its own, with its own files.
#[derive(Debug)]
pub(super) struct Otelcol;

/// The version that is built, and that of the parts which are called stable.
const VERSION: &str = "0.161.0";
const STABLE: &str = "1.67.0";

// === impl Otelcol ===

impl Server for Otelcol {
    fn name(&self) -> &'static str {
        "otelcol"
    }

    /// The plain `otelcol` has no exporter to files.
    fn local(&self) -> Option<PathBuf> {
        program("otelcol-contrib", env::var_os("PATH").as_deref())
    }

    fn fetch(&self, site: &Site<'_>) -> Result<(PathBuf, String)> {
        let how = format!("built with Go, {VERSION}");
        let cache = site.workspace.cache("servers").join("otelcol");
        let built = cache.join(VERSION).join("otelcol");
        if is_program(&built) {
            return Ok((built, how));
        }
        if program("go", env::var_os("PATH").as_deref()).is_none() {
            bail!("go is not on this machine");
        }
        fs::create_dir_all(&cache)
            .with_context(|| format!("could not create {}", cache.display()))?;
        // What is in the cache under its version is whole: it was built elsewhere and then moved.
        let work = tempfile::tempdir_in(&cache)
            .with_context(|| format!("could not create a directory in {}", cache.display()))?;
        let recipe = work.path().join("builder.yaml");
        let output = work.path().join("built");
        fs::write(&recipe, parts(&output.display().to_string()))
            .context("could not write what the collector is made of")?;

        println!("building the OpenTelemetry collector {VERSION}, once; it takes some minutes");
        let mut go = Command::new("go");
        go.env("CGO_ENABLED", "0").env("GOWORK", "off").env("GOFLAGS", "");
        go.args(["run", &format!("go.opentelemetry.io/collector/cmd/builder@v{VERSION}")]);
        site.processes.capture(go.arg("--config").arg(&recipe))?;
        match fs::rename(&output, cache.join(VERSION)) {
            // Somebody else was as fast.
            Err(_) if is_program(&built) => Ok((built, how)),
            moved => {
                moved.context("could not move the collector into the cache")?;
                Ok((built, how))
            }
        }
    }

    fn version(&self, address: &str, site: &Site<'_>) -> Result<String> {
        let said = site.processes.capture(Command::new(address).arg("--version"))?;
        version_in(&said).map(str::to_owned).with_context(|| {
            format!("{address} --version does not look like a collector's: {said}")
        })
    }
}

/// What the collector's builder puts together.
fn parts(output: &str) -> String {
    format!(
        "dist: {{name: otelcol, module: purlin.test/otelcol, version: {VERSION}, output_path: {output}}}\n\
         receivers:\n\
         \x20 - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v{VERSION}\n\
         exporters:\n\
         \x20 - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter v{VERSION}\n\
         providers:\n\
         \x20 - gomod: go.opentelemetry.io/collector/confmap/provider/envprovider v{STABLE}\n\
         \x20 - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v{STABLE}\n"
    )
}

/// `otelcol version 0.161.0`, whatever the distribution is called.
fn version_in(said: &str) -> Option<&str> {
    let (_, version) = said.trim().split_once(" version ")?;
    version.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn the_version_follows_the_name_of_the_distribution() {
        assert_eq!(version_in("otelcol version 0.161.0\n"), Some("0.161.0"));
        assert_eq!(version_in("otelcol-contrib version 0.160.1"), Some("0.160.1"));
        assert_eq!(version_in("usage: otelcol"), None);
    }
}
