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
    fetched(package, package, &["download"], site)
}

/// The same with all that the package needs and this machine does not have; where its libraries are,
/// [`library_path`] tells.
pub(super) fn unpacked_with_libraries(package: &str, site: &Site<'_>) -> Result<PathBuf> {
    // Nothing is installed, and so nothing is locked: that would take root.
    let install = ["install", "--yes", "--no-install-recommends", "--download-only"];
    let unlocked = ["--option", "Debug::NoLocking=1"];
    fetched(
        package,
        &format!("{package}-with-libraries"),
        &[&install[..], &unlocked].concat(),
        site,
    )
}

/// The directories with shared objects of what was unpacked, as `LD_LIBRARY_PATH` has them.
pub(super) fn library_path(unpacked: &Path) -> Result<String> {
    let mut paths = Vec::new();
    let mut directories = vec![unpacked.join("lib"), unpacked.join("usr/lib")];
    directories.retain(|directory| directory.is_dir());
    while let Some(directory) = directories.pop() {
        let context = || format!("could not list {}", directory.display());
        let mut has_libraries = false;
        for entry in fs::read_dir(&directory).with_context(context)? {
            let entry = entry.with_context(context)?;
            if entry.file_type().with_context(context)?.is_dir() {
                directories.push(entry.path());
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            has_libraries |= name.ends_with(".so") || name.contains(".so.");
        }
        if has_libraries {
            paths.push(directory.display().to_string());
        }
    }
    paths.sort();
    Ok(paths.join(":"))
}

/// What a call of apt-get downloads for a package, unpacked into a directory of the cache.
fn fetched(package: &str, name: &str, call: &[&str], site: &Site<'_>) -> Result<PathBuf> {
    let cache = site.workspace.cache("servers").join("debian");
    let unpacked = cache.join(name);
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
    site.processes.capture(apt(work.path()).args(call).arg(package))?;
    let whole = work.path().join("unpacked");
    for archive in archives_in(work.path())? {
        let mut extract = Command::new("dpkg-deb");
        site.processes.capture(extract.arg("--extract").arg(archive).arg(&whole))?;
    }
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
    fs::create_dir_all(work.join("archives/partial"))?;
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

/// Where apt-get leaves what it was told to download, and what it would install.
fn archives_in(work: &Path) -> Result<Vec<PathBuf>> {
    let mut archives = Vec::new();
    for directory in [work.to_owned(), work.join("archives")] {
        for entry in fs::read_dir(directory).context("could not list what apt downloaded")? {
            archives.push(entry.context("could not list what apt downloaded")?.path());
        }
    }
    archives.retain(|file| file.extension().is_some_and(|extension| extension == "deb"));
    if archives.is_empty() {
        bail!("apt-get left no package in {}", work.display());
    }
    Ok(archives)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_found_where_they_lie() {
        let unpacked = tempfile::tempdir().unwrap();
        let inside = |path: &str| unpacked.path().join(path);
        for (directory, file) in [
            ("usr/lib/x86_64-linux-gnu", "libgtk-3.so.0"),
            ("usr/lib/x86_64-linux-gnu/pulseaudio", "libpulsecommon-16.1.so"),
            ("usr/lib/locales", "en.pak"),
            ("usr/share", "notes.so"),
        ] {
            fs::create_dir_all(inside(directory)).unwrap();
            fs::write(inside(directory).join(file), "").unwrap();
        }
        let gtk = inside("usr/lib/x86_64-linux-gnu");
        let expected = format!("{0}:{0}/pulseaudio", gtk.display());
        assert_eq!(library_path(unpacked.path()).unwrap(), expected);
    }
}
