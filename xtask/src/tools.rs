//! Cargo subcommands that checks need, each at one pinned version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::processes::Processes;
use crate::workspace::Workspace;

pub(crate) const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
pub(crate) const CARGO_FUZZ: Tool = Tool { name: "cargo-fuzz", version: "0.13.2" };
pub(crate) const HACK: Tool = Tool { name: "cargo-hack", version: "0.6.46" };

/// A cargo subcommand from the registry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
}

// === impl Tool ===

impl Tool {
    /// A call of the tool in the root of the workspace.
    ///
    /// A tool that is not at hand in its version is installed into the cache first.
    pub(crate) fn command(&self, workspace: &Workspace, processes: &Processes) -> Result<Command> {
        let root = workspace.cache("tools");
        let cached = root.join("bin").join(self.name);
        let program = if self.is_pinned(Path::new(self.name), processes) {
            PathBuf::from(self.name)
        } else {
            if !self.is_pinned(&cached, processes) {
                self.install(&root, processes)?;
            }
            cached
        };
        let mut command = Command::new(program);
        command.arg(self.subcommand()).current_dir(&workspace.root);
        Ok(command)
    }

    fn subcommand(&self) -> &'static str {
        self.name.trim_start_matches("cargo-")
    }

    fn is_pinned(&self, program: &Path, processes: &Processes) -> bool {
        let said = processes.capture(Command::new(program).args([self.subcommand(), "--version"]));
        said.is_ok_and(|said| said.split_whitespace().any(|word| word == self.version))
    }

    /// Builds the tool without optimisation: it runs for seconds, and the build would take minutes.
    fn install(&self, root: &Path, processes: &Processes) -> Result<()> {
        let build = root.join("build");
        let status = processes.stream(
            Command::new("cargo")
                .args(["install", "--locked", "--force", "--root"])
                .arg(root)
                .arg(format!("{}@{}", self.name, self.version))
                .env("CARGO_TARGET_DIR", &build)
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
                .env("CARGO_PROFILE_RELEASE_LTO", "off")
                .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256"),
            |_| {},
        )?;
        if !status.success() {
            bail!("could not install {} {} ({status})", self.name, self.version);
        }
        fs::remove_dir_all(&build).with_context(|| format!("could not clear {}", build.display()))
    }
}
