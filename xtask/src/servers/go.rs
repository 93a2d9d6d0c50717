//! `go`, whose pprof reads the profiles that we write.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Server, Site, program};

/// The tool chain of Go; not a server, so there is nothing to start.
#[derive(Debug)]
pub(super) struct Go;

// === impl Go ===

impl Server for Go {
    fn name(&self) -> &'static str {
        "go"
    }

    fn local(&self) -> Option<PathBuf> {
        let installed = PathBuf::from("/usr/local/go/bin/go");
        program("go", env::var_os("PATH").as_deref()).or(installed.is_file().then_some(installed))
    }

    fn fetch(&self, _: &Site<'_>) -> Result<(PathBuf, String)> {
        bail!("a tool chain is more than a package to unpack")
    }

    fn version(&self, address: &str, site: &Site<'_>) -> Result<String> {
        let said = site.processes.capture(Command::new(address).arg("version"))?;
        version_in(&said)
            .map(str::to_owned)
            .with_context(|| format!("{address} version does not look like Go's: {said}"))
    }
}

fn version_in(said: &str) -> Option<&str> {
    said.strip_prefix("go version go")?.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn the_version_is_the_third_word() {
        assert_eq!(version_in("go version go1.26.8 linux/amd64\n"), Some("1.26.8"));
        assert_eq!(version_in("GNU Go 3.8"), None);
    }
}
