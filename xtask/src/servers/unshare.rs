//! `unshare`, which starts a process in namespaces of its own: a container without an engine.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Server, Site, program};

/// A tool, and the right to use it.
#[derive(Debug)]
pub(super) struct Unshare;

// === impl Unshare ===

impl Server for Unshare {
    fn name(&self) -> &'static str {
        "unshare"
    }

    /// Not every machine, and not every CI, lets its users make namespaces.
    fn is_required(&self) -> bool {
        false
    }

    fn local(&self) -> Option<PathBuf> {
        program("unshare", env::var_os("PATH").as_deref())
    }

    fn fetch(&self, _: &Site<'_>) -> Result<(PathBuf, String)> {
        bail!("it belongs to util-linux, which comes with the machine")
    }

    fn version(&self, address: &str, site: &Site<'_>) -> Result<String> {
        let said = site.processes.capture(Command::new(address).arg("--version"))?;
        let version = version_in(&said)
            .with_context(|| format!("{address} --version does not look like unshare's: {said}"))?;
        let root = fs::metadata("/proc/self").context("could not read /proc")?.uid() == 0;
        let mut attempt = Command::new(address);
        attempt.args((!root).then_some("--map-root-user"));
        attempt.args(["--mount", "--pid", "--fork", "--mount-proc", "true"]);
        site.processes.capture(&mut attempt).context(
            "this machine does not let us make namespaces; allow those of users \
             (kernel.apparmor_restrict_unprivileged_userns=0), or be root with CAP_SYS_ADMIN",
        )?;
        Ok(version.to_owned())
    }
}

/// `unshare from util-linux 2.38.1`.
fn version_in(said: &str) -> Option<&str> {
    said.strip_prefix("unshare from util-linux ")?.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn the_version_is_the_last_word() {
        assert_eq!(version_in("unshare from util-linux 2.38.1\n"), Some("2.38.1"));
        assert_eq!(version_in("BusyBox v1.36.1 multi-call binary."), None);
    }
}
