//! Programs out of Debian packages, without installing them.
//!
//! A package is downloaded and unpacked into the cache. That asks for no root, starts no service,
//! and leaves the machine's own packages and lists as they are: apt works on lists of our own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use anyhow::{Context, Result, bail};

use super::{Site, program};

/// The directory in which a package lies unpacked; fetched if it is not in the cache.
pub(super) fn unpacked(package: &str, site: &Site<'_>) -> Result<PathBuf> {
    let cache = site.workspace.cache("servers").join("debian");
    let unpacked = cache.join(package);
    if unpacked.is_dir() {
        return Ok(unpacked);
    }
    for tool in ["apt-get", "dpkg-deb"] {
        if program(tool, env::var_os("PATH").as_deref()).is_none() {
            bail!("{tool} is not on this machine");
        }
    }
    fs::create_dir_all(&cache).with_context(|| format!("could not create {}", cache.display()))?;
    // What is in the cache under its name is whole: it was unpacked elsewhere and then moved.
    let work = tempfile::tempdir_in(&cache)
        .with_context(|| format!("could not create a directory in {}", cache.display()))?;
    configure(work.path()).context("could not prepare a directory for apt")?;

    println!("fetching the Debian package {package}");
    site.processes.capture(apt(work.path()).arg("update"))?;
    site.processes.capture(apt(work.path()).args(["download", package]))?;
    let whole = work.path().join("unpacked");
    let archive = archive_in(work.path())?;
    site.processes.capture(Command::new("dpkg-deb").arg("--extract").arg(archive).arg(&whole))?;
    match fs::rename(&whole, &unpacked) {
        // Somebody else was as fast, with the same package.
        Err(_) if unpacked.is_dir() => Ok(unpacked),
        moved => {
            moved.with_context(|| format!("could not move {package} into the cache"))?;
            Ok(unpacked)
        }
    }
}

/// Gives apt lists and caches of its own, in a directory that it may write to as whoever we are.
fn configure(work: &Path) -> io::Result<()> {
    fs::create_dir_all(work.join("lists/partial"))?;
    let settings = format!(
        "Dir::State::Lists \"{lists}\";\n\
         Dir::State::Status \"/var/lib/dpkg/status\";\n\
         Dir::Cache \"{cache}\";\n\
         APT::Sandbox::User \"root\";\n\
         Acquire::Retries \"2\";\n\
         Acquire::http::Timeout \"20\";\n\
         Acquire::https::Timeout \"20\";\n\
         Acquire::Languages \"none\";\n",
        lists = work.join("lists").display(),
        cache = work.display(),
    );
    fs::write(work.join("apt.conf"), settings)
}

fn apt(work: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command.current_dir(work).env("APT_CONFIG", work.join("apt.conf")).arg("--quiet=2");
    command
}

fn archive_in(directory: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(directory).context("could not list what apt downloaded")? {
        let file = entry.context("could not list what apt downloaded")?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            return Ok(file);
        }
    }
    bail!("apt-get download left no package in {}", directory.display())
}
