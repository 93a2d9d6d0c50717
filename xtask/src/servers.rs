//! The real servers, and tools, that tests talk to.
//!
//! Each is looked for in the same order: a variable that names one, a program on this machine, a
//! package fetched into the cache. What was found is told to the tests by the same variable, so a
//! test never looks for a server itself. Nothing is installed on the machine, and nothing that
//! listens is started on a default port.

mod chromium;
mod debian;
mod go;
mod netns;
mod otelcol;
mod prometheus;
mod unshare;
mod valgrind;

use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};

use self::prometheus::OfPrometheus;
use crate::processes::Processes;
use crate::workspace::Workspace;

/// Every server that some suite asks for.
const SERVERS: &[&dyn Server] = &[
    &go::Go,
    &OfPrometheus("promtool"),
    &OfPrometheus("prometheus"),
    &otelcol::Otelcol,
    &unshare::Unshare,
    &netns::Netns,
    &chromium::Chromium,
];

/// A real server, or a tool, that tests talk to.
pub(crate) trait Server {
    /// The name by which suites report it, and under which it stands in the table.
    fn name(&self) -> &'static str;

    /// Whether a run that requires servers fails for want of it. Where it does not, what needs it
    /// is skipped, with the reason.
    fn is_required(&self) -> bool {
        true
    }

    /// Its program on this machine, if it has one.
    fn local(&self) -> Option<PathBuf>;

    /// Fetches its program into the cache; returns it with the words that say where it came from.
    fn fetch(&self, site: &Site<'_>) -> Result<(PathBuf, String)>;

    /// Its version, asked from what the variable holds or would hold.
    ///
    /// # Errors
    ///
    /// When it does not answer: then it is of no use to a test either.
    fn version(&self, address: &str, site: &Site<'_>) -> Result<String>;
}

/// Where servers are looked for, kept and run.
#[derive(Debug)]
pub(crate) struct Site<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) processes: &'a Processes,
}

/// A server, and whether tests can have it.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) name: &'static str,
    pub(crate) is_required: bool,
    /// By which tests find it.
    pub(crate) variable: String,
    /// Or why it could not be had.
    pub(crate) found: Result<Found, String>,
}

/// A server that tests can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// What the variable holds: the path of a tool, the address of a server.
    pub(crate) address: String,
    pub(crate) version: String,
    /// How it was found, in words.
    pub(crate) how: String,
}

/// Looks for every server.
pub(crate) fn discover(site: &Site<'_>) -> Vec<Candidate> {
    SERVERS.iter().map(|server| Candidate::new(*server, site)).collect()
}

/// Looks for the network in which connections are handed over.
pub(crate) fn netns(site: &Site<'_>) -> Candidate {
    Candidate::new(&netns::Netns, site)
}

/// A call of valgrind without arguments, and its version.
pub(crate) fn valgrind(site: &Site<'_>) -> Result<(Command, String)> {
    let given = env::var("PURLIN_TEST_VALGRIND").ok();
    let found = find(&valgrind::Valgrind, "PURLIN_TEST_VALGRIND", given, site)?;
    Ok((valgrind::command(&found.address), found.version))
}

/// A variable that names a server which does not answer is an error, never a reason to take another.
fn find(
    server: &dyn Server,
    variable: &str,
    given: Option<String>,
    site: &Site<'_>,
) -> Result<Found> {
    if let Some(address) = given {
        let version = server
            .version(&address, site)
            .with_context(|| format!("{variable}={address} is of no use"))?;
        return Ok(Found { address, version, how: format!("env {variable}") });
    }
    let (program, how) = match server.local() {
        Some(program) => (program, "local binary".to_owned()),
        None => server.fetch(site).with_context(|| {
            let name = server.name();
            format!("install {name}, or name yours in {variable}; it could not be fetched")
        })?,
    };
    let address = program
        .into_os_string()
        .into_string()
        .map_err(|path| anyhow!("{} is not UTF-8", path.display()))?;
    let version = server.version(&address, site)?;
    Ok(Found { address, version, how })
}

/// A program on a search path such as `PATH`.
fn program(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    env::split_paths(path?).map(|directory| directory.join(name)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

// === impl Candidate ===

impl Candidate {
    fn new(server: &dyn Server, site: &Site<'_>) -> Self {
        let variable = format!("PURLIN_TEST_{}", server.name().to_uppercase().replace('-', "_"));
        let given = env::var(&variable).ok();
        let found = find(server, &variable, given, site).map_err(|error| format!("{error:#}"));
        Self { name: server.name(), is_required: server.is_required(), variable, found }
    }

    /// Tells tests where it is, or why they do without it.
    pub(crate) fn tell(&self, tests: &mut Command) {
        let missing = format!("{}_MISSING", self.variable);
        match &self.found {
            Ok(found) => tests.env(&self.variable, &found.address).env_remove(missing),
            Err(reason) if !self.is_required => {
                tests.env_remove(&self.variable).env(missing, reason)
            }
            Err(_) => tests.env_remove(&self.variable).env_remove(missing),
        };
        if let Err(reason) = &self.found {
            println!("warning: {}: {reason}", self.name);
        }
    }
}

#[cfg(test)]
mod tests;
