//! Chromium, which draws pages without a screen.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Server, Site, debian, is_program, program};

/// A browser; a suite starts its own. It is a hundred megabytes, which not every machine will fetch.
#[derive(Debug)]
pub(super) struct Chromium;

/// The package, and the name of the program.
const CHROMIUM: &str = "chromium";

// === impl Chromium ===

impl Server for Chromium {
    fn name(&self) -> &'static str {
        CHROMIUM
    }

    fn is_required(&self) -> bool {
        false
    }

    fn local(&self) -> Option<PathBuf> {
        program(CHROMIUM, env::var_os("PATH").as_deref())
    }

    /// A script finds the libraries that were fetched with it.
    fn fetch(&self, site: &Site<'_>) -> Result<(PathBuf, String)> {
        let packages = debian::unpacked_with_libraries(CHROMIUM, site)?;
        let script = packages.join("run-chromium");
        if !is_program(&script) {
            let browser = packages.join("usr/lib/chromium/chromium");
            let text = script_of(&browser, &debian::library_path(&packages)?);
            // What has its name is whole: others may start it at once.
            let written = tempfile::NamedTempFile::new_in(&packages).and_then(|file| {
                fs::write(&file, text)?;
                fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
                // A file that is still open for writing cannot be run.
                file.into_temp_path().persist(&script).map_err(|error| error.error)
            });
            written.with_context(|| format!("could not write {}", script.display()))?;
        }
        Ok((script, format!("Debian package {CHROMIUM}")))
    }

    fn version(&self, address: &str, site: &Site<'_>) -> Result<String> {
        let said = site.processes.capture(Command::new(address).arg("--version"))?;
        version_in(&said)
            .map(str::to_owned)
            .with_context(|| format!("{address} --version does not look like Chromium's: {said}"))
    }
}

fn script_of(browser: &Path, libraries: &str) -> String {
    let browser = browser.display();
    format!("#!/bin/sh\nLD_LIBRARY_PATH='{libraries}' exec '{browser}' \"$@\"\n")
}

/// `Chromium 156.0.8078.79 built on Debian`, `Google Chrome 156.0.8078.79`.
fn version_in(said: &str) -> Option<&str> {
    let mut words = said.lines().last()?.split_whitespace();
    words.find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn the_version_follows_the_name() {
        let said = "Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)\n";
        assert_eq!(version_in(said), Some("156.0.8078.79"));
        assert_eq!(version_in("Google Chrome 156.0.8078.79 \n"), Some("156.0.8078.79"));
        assert_eq!(version_in("cannot open shared object file"), None);
    }
}
