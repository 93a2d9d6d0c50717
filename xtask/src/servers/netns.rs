//! A network in which the kernel hands over what waits at a closed socket.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Server, Site};

/// A script that runs a command there. Not every machine lets one change its kernel's settings, not
/// even in a namespace.
#[derive(Debug)]
pub(super) struct Netns;

// === impl Netns ===

impl Server for Netns {
    fn name(&self) -> &'static str {
        "netns"
    }

    fn is_required(&self) -> bool {
        false
    }

    fn local(&self) -> Option<PathBuf> {
        None
    }

    fn fetch(&self, site: &Site<'_>) -> Result<(PathBuf, String)> {
        let script = site.workspace.root.join("xtask/src/servers/netns.sh");
        Ok((script, "namespace of this machine".to_owned()))
    }

    /// That of the kernel.
    fn version(&self, address: &str, site: &Site<'_>) -> Result<String> {
        let mut show = Command::new(address);
        show.args(["cat", "/proc/sys/net/ipv4/tcp_migrate_req", "/proc/sys/kernel/osrelease"]);
        let said = site.processes.capture(&mut show).context(
            "this machine does not let us set net.ipv4.tcp_migrate_req in a namespace; it takes \
             Linux 5.14, `unshare`, `ip`, and CAP_SYS_ADMIN or namespaces of users",
        )?;
        release_in(&said)
            .map(str::to_owned)
            .with_context(|| format!("connections are not handed over in there: {said}"))
    }
}

/// The second line, where the first is what was set.
fn release_in(said: &str) -> Option<&str> {
    said.strip_prefix("1\n").map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::release_in;

    #[test]
    fn a_kernel_that_did_not_take_the_setting_is_of_no_use() {
        assert_eq!(release_in("1\n6.18.44\n"), Some("6.18.44"));
        assert_eq!(release_in("0\n6.18.44\n"), None);
    }
}
