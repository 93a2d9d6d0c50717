//! `valgrind`, whose callgrind counts instructions: they repeat on a machine whose times do not.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Server, Site, debian, program};

/// The tool of measurements; no suite asks for it.
#[derive(Debug)]
pub(super) struct Valgrind;

// === impl Valgrind ===

impl Server for Valgrind {
    fn name(&self) -> &'static str {
        "valgrind"
    }

    fn local(&self) -> Option<PathBuf> {
        program("valgrind", env::var_os("PATH").as_deref())
    }

    fn fetch(&self, site: &Site<'_>) -> Result<(PathBuf, String)> {
        let package = debian::unpacked("valgrind", site)?;
        Ok((package.join("usr/bin/valgrind"), "Debian package valgrind".to_owned()))
    }

    fn version(&self, address: &str, site: &Site<'_>) -> Result<String> {
        let said = site.processes.capture(command(address).arg("--version"))?;
        let version = said.trim().strip_prefix("valgrind-");
        version
            .map(str::to_owned)
            .with_context(|| format!("{address} --version does not look like valgrind's: {said}"))
    }
}

/// A call that finds the tools which lie beside the program.
pub(super) fn command(address: &str) -> Command {
    let mut command = Command::new(address);
    let tools = Path::new(address).parent().and_then(Path::parent);
    if let Some(tools) = tools.map(|usr| usr.join("libexec/valgrind")).filter(|dir| dir.is_dir()) {
        command.env("VALGRIND_LIB", tools);
    }
    command
}
