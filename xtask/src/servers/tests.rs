use std::fs;

use anyhow::bail;

use super::*;

/// A server whose ways of being had are switched on one by one.
#[derive(Default)]
struct Fake {
    local: bool,
    package: bool,
}

impl Server for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn local(&self) -> Option<PathBuf> {
        self.local.then(|| PathBuf::from("/usr/bin/fake"))
    }

    fn fetch(&self, _: &Site<'_>) -> Result<(PathBuf, String)> {
        if !self.package {
            bail!("the mirror is down");
        }
        Ok((PathBuf::from("/cache/fake"), "package fake".to_owned()))
    }

    fn version(&self, address: &str, _: &Site<'_>) -> Result<String> {
        if address == "/broken" {
            bail!("it does not answer");
        }
        Ok("1.0".to_owned())
    }
}

fn find_fake(server: &Fake, given: Option<&str>) -> Result<(String, String), String> {
    let processes = Processes::default();
    let workspace =
        Workspace { root: PathBuf::from("/"), target: PathBuf::from("/"), packages: Vec::new() };
    let site = Site { workspace: &workspace, processes: &processes };
    find(server, "PURLIN_TEST_FAKE", given.map(str::to_owned), &site)
        .map(|found| (found.address, found.how))
        .map_err(|error| format!("{error:#}"))
}

#[test]
fn the_variable_wins_then_the_machine_then_the_package() {
    let found = |address: &str, how: &str| Ok((address.to_owned(), how.to_owned()));
    let both = Fake { local: true, package: true };
    assert_eq!(find_fake(&both, Some("/mine")), found("/mine", "env PURLIN_TEST_FAKE"));
    assert_eq!(find_fake(&both, None), found("/usr/bin/fake", "local binary"));
    let package = Fake { local: false, package: true };
    assert_eq!(find_fake(&package, None), found("/cache/fake", "package fake"));
}

#[test]
fn a_variable_that_leads_nowhere_is_not_passed_over() {
    let error = find_fake(&Fake { local: true, package: true }, Some("/broken")).unwrap_err();
    assert_eq!(error, "PURLIN_TEST_FAKE=/broken is of no use: it does not answer");
}

#[test]
fn what_cannot_be_had_says_what_was_tried() {
    let error = find_fake(&Fake::default(), None).unwrap_err();
    assert_eq!(
        error,
        "install fake, or name yours in PURLIN_TEST_FAKE; it could not be fetched: the mirror is down"
    );
}

#[test]
fn a_program_is_a_file_that_may_be_run() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tool");
    fs::write(&file, "").unwrap();
    let path = env::join_paths([OsStr::new("/nowhere"), directory.path().as_os_str()]).unwrap();
    assert_eq!(program("tool", Some(&path)), None);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(program("tool", Some(&path)), Some(file));
    assert_eq!(program("other", Some(&path)), None);
}
