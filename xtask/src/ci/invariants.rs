//! What must stay absent: the rules of `docs/architecture.md` that a machine can check.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::DOWNSTREAM;
use crate::processes::Processes;
use crate::workspace::{Package, Workspace};

/// Transports and clients that `purlin-core` names neither itself nor through others.
const NOT_IN_CORE: [&str; 6] = ["axum", "hyper", "rdkafka", "reqwest", "sqlx", "tonic"];

/// The longest that a file may be.
const MAX_LINES: usize = 800;

/// What every manifest holds, so that no crate escapes the lints.
const LINTS: &str = "[lints]\nworkspace = true";

/// Checks every invariant, and shows all that are broken.
pub(super) fn check(workspace: &Workspace, processes: &Processes) -> Result<()> {
    let mut broken = transports_in(&core_tree(workspace, processes)?);
    for package in &workspace.packages {
        broken.extend(strangers(workspace.place(package), package));
    }
    let manifest = workspace.root.join(DOWNSTREAM).join("Cargo.toml");
    for package in &Workspace::at(&manifest, processes)?.packages {
        broken.extend(strangers(Path::new(DOWNSTREAM), package));
    }
    for package in &workspace.packages {
        if !read(&package.manifest_path)?.contains(LINTS) {
            let place = workspace.place(package).display();
            broken.push(format!("{place}/Cargo.toml: add `[lints]` with `workspace = true`"));
        }
    }
    let mut files = Vec::new();
    sources(&workspace.root, &mut files)?;
    for file in &files {
        let place = file.strip_prefix(&workspace.root).unwrap_or(file);
        broken.extend(misshapen(place, read(file)?.lines().count()));
    }
    if !broken.is_empty() {
        bail!("{} broken\n  {}", broken.len(), broken.join("\n  "));
    }
    println!("{} packages, {} source files: sound", workspace.packages.len(), files.len());
    Ok(())
}

/// What a user of the core gets, each line with its depth in front; `--locked` also proves that
/// `Cargo.lock` is up to date.
fn core_tree(workspace: &Workspace, processes: &Processes) -> Result<String> {
    let mut tree = workspace.cargo("tree");
    tree.args(["--locked", "--package", "purlin-core", "--all-features", "--target", "all"]);
    processes.capture(tree.args(["--edges", "normal,build", "--prefix", "depth"]))
}

/// The ways in which a tree leads to what the core must not pull in.
fn transports_in(tree: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let mut way: Vec<&str> = Vec::new();
    for line in tree.lines() {
        let Some(start) = line.find(|c: char| !c.is_ascii_digit()) else { continue };
        let (Ok(depth), Some(name)) =
            (line[..start].parse::<usize>(), line[start..].split_whitespace().next())
        else {
            continue;
        };
        way.truncate(depth);
        way.push(name);
        let of = |family: &str| {
            name.strip_prefix(family).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        if NOT_IN_CORE.into_iter().any(of) {
            broken.push(format!("the core pulls in a transport: {}", way.join(" → ")));
        }
    }
    broken
}

/// The dependencies on our own crates that a package's place does not allow.
///
/// A module never depends on the facade; an example, and the crate downstream, on nothing else.
fn strangers(place: &Path, package: &Package) -> Vec<String> {
    let ours = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
    let broken = ours.filter_map(|dependency| {
        let (name, shipped) = (&*dependency.name, dependency.kind.as_deref() != Some("dev"));
        let rule = if place.starts_with("modules") && name == "purlin" && shipped {
            "a module depends on purlin-core, never on the facade"
        } else if place.starts_with("examples") && name != "purlin" && shipped {
            "an example uses `purlin` alone"
        } else if place.starts_with(DOWNSTREAM) && name != "purlin" {
            "a user's crate names `purlin` alone"
        } else {
            return None;
        };
        Some(format!("{} ({}) depends on {name}: {rule}", package.name, place.display()))
    });
    broken.collect()
}

/// What is wrong with a source file's name or length.
fn misshapen(file: &Path, lines: usize) -> Option<String> {
    let shown = file.display();
    if file.file_name().is_some_and(|name| name == "mod.rs") {
        return Some(format!("{shown}: write `foo.rs` beside `foo/` instead of `foo/mod.rs`"));
    }
    (lines > MAX_LINES)
        .then(|| format!("{shown}: {lines} lines, and {MAX_LINES} is the most: divide it"))
}

/// Every Rust file below a directory, apart from what was built or is hidden.
fn sources(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let listed = || format!("could not list {}", directory.display());
    for entry in fs::read_dir(directory).with_context(listed)? {
        let entry = entry.with_context(listed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type().with_context(listed)?;
        if kind.is_dir() && !name.starts_with('.') && !name.starts_with("target") {
            sources(&entry.path(), files)?;
        } else if kind.is_file() && name.ends_with(".rs") {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_transport_is_shown() {
        let tree = "0purlin-core v0.1.0 (/purlin/framework/core)\n\
                    1tokio v1.54.0\n\
                    2bytes v1.11.0\n\
                    1reporter v1.0.0\n\
                    2hyper-util v0.1.20\n\
                    1hyperloglog v1.0.0 (*)\n";
        assert_eq!(
            transports_in(tree),
            ["the core pulls in a transport: purlin-core → reporter → hyper-util"]
        );
    }

    #[test]
    fn a_module_knows_the_core_and_an_example_the_facade() {
        let broken = |place: &str, name: &str, kind: Option<&str>| {
            let package = serde_json::json!({
                "name": "p",
                "manifest_path": "/p/Cargo.toml",
                "features": {},
                "dependencies": [
                    { "name": name, "kind": kind, "path": "/purlin" },
                    { "name": "tokio", "kind": null, "path": null },
                ],
            });
            strangers(Path::new(place), &serde_json::from_value(package).unwrap()).len()
        };
        assert_eq!(broken("modules/http", "purlin", None), 1);
        assert_eq!(broken("modules/http", "purlin", Some("build")), 1);
        assert_eq!(broken("modules/http", "purlin", Some("dev")), 0);
        assert_eq!(broken("modules/http", "purlin-core", None), 0);
        assert_eq!(broken("framework/testing", "purlin", None), 0);
        assert_eq!(broken("examples/quickstart", "purlin", None), 0);
        assert_eq!(broken("examples/quickstart", "purlin-core", None), 1);
        assert_eq!(broken("examples/quickstart", "purlin-testing", Some("dev")), 0);
        assert_eq!(broken("tests/downstream", "purlin-testing", Some("dev")), 1);
    }

    #[test]
    fn a_file_has_a_name_and_an_end() {
        assert_eq!(misshapen(Path::new("a/b.rs"), 800), None);
        assert!(misshapen(Path::new("a/b.rs"), 801).unwrap().contains("801 lines"));
        assert!(misshapen(Path::new("a/mod.rs"), 1).unwrap().contains("instead of"));
    }

    #[test]
    fn what_was_built_is_not_source() {
        let root = tempfile::tempdir().unwrap();
        for directory in ["src/deep", "target/debug", "target-hack", ".git"] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
            fs::write(root.path().join(directory).join("a.rs"), "").unwrap();
        }
        fs::write(root.path().join("src/notes.md"), "").unwrap();
        let mut files = Vec::new();
        sources(root.path(), &mut files).unwrap();
        assert_eq!(files, [root.path().join("src/deep/a.rs")]);
    }
}
