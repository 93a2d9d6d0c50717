//! The workspace as cargo sees it, and the ways in which we call cargo.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::processes::Processes;

/// The one selection for every build of the workspace: another would unify features differently,
/// and compile the same crates again.
pub(crate) const EVERYTHING: [&str; 2] = ["--workspace", "--all-features"];

/// What `cargo metadata` says about the packages of one workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
    pub(crate) path: Option<PathBuf>,
}

// === impl Workspace ===

impl Workspace {
    /// Reads the workspace that this program was built from.
    pub(crate) fn load(processes: &Processes) -> Result<Self> {
        Self::at(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")), processes)
    }

    /// Reads another workspace.
    pub(crate) fn at(manifest: &Path, processes: &Processes) -> Result<Self> {
        let mut command = Command::new("cargo");
        command.args(["metadata", "--format-version=1", "--no-deps", "--manifest-path"]);
        let metadata = processes.capture(command.arg(manifest))?;
        serde_json::from_str(&metadata).context("could not read what `cargo metadata` printed")
    }

    /// A call of cargo in the root of the workspace.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut command = Command::new("cargo");
        command.arg(subcommand).current_dir(&self.root);
        command
    }

    /// Where things are kept that were fetched once, each kind in a directory of its own.
    pub(crate) fn cache(&self, kind: &str) -> PathBuf {
        match env::var_os("PURLIN_CACHE") {
            Some(cache) => self.root.join(cache).join(kind),
            None => self.target.join(kind),
        }
    }

    /// Where a package lies, relative to the root.
    pub(crate) fn place<'a>(&'a self, package: &'a Package) -> &'a Path {
        let directory = package.manifest_path.parent().unwrap_or(&self.root);
        directory.strip_prefix(&self.root).unwrap_or(directory)
    }
}
