//! Secrets of every shape are in no output of the configuration.

#![expect(clippy::unwrap_used, reason = "a fixture of tests fails by panicking")]

use std::{collections::BTreeMap, fmt::Write as _, fs};

use purlin_core::config::{
    Config, Inputs, Secret, Section, Settings, example_dot_env, example_yaml, json_schema,
};
use serde::Deserialize;

const MARK: &str = "s3cr3t";

/// A secret wherever one can stand.
#[derive(Debug, Config)]
#[config(section = "vault")]
#[expect(dead_code, reason = "it is only printed")]
struct VaultConfig {
    /// A key.
    key: Secret<String>,
    /// A key that may be absent.
    other: Option<Secret<String>>,
    /// Several keys.
    #[config(default)]
    all: Vec<Secret<String>>,
    /// Keys by name.
    #[config(default)]
    named: BTreeMap<String, Secret<String>>,
    /// A number nobody may know.
    pin: Secret<u32>,
    /// A key of a certain length.
    #[validate(length(min = 3))]
    long: Secret<String>,
    /// A struct with a key in it.
    account: Option<Account>,
    /// Keys further down.
    #[config(nested)]
    below: BelowConfig,
    /// An address, which may hold a password.
    url: Option<String>,
    /// Addresses.
    #[config(default)]
    urls: Vec<String>,
    /// Nothing secret.
    #[config(default = 1)]
    count: u32,
}

#[derive(Debug, Config)]
#[expect(dead_code, reason = "it is only printed")]
struct BelowConfig {
    /// A key.
    key: Secret<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is only printed")]
struct Account {
    user: String,
    password: Secret<String>,
}

const SOUND: &str = "\
vault:
  key: s3cr3t-1
  other: s3cr3t-2
  all: [s3cr3t-3, s3cr3t-4]
  named: { a: s3cr3t-5 }
  pin: 53317
  long: s3cr3t-6
  account: { user: ada, password: s3cr3t-7 }
  below: { key: s3cr3t-8 }
  url: https://ada:s3cr3t-9@localhost/
  urls: [https://localhost/, https://ada:s3cr3t-10@localhost/]
";

/// Everything that is said of a configuration.
fn said(yaml: &str, variables: &[(&str, &str)], sets: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("app.yaml"), yaml).unwrap();
    let sets = sets.iter().map(|set| {
        let (key, value) = set.split_once('=').unwrap();
        (key.to_owned(), value.to_owned())
    });
    let inputs = Inputs {
        base_dir: directory.path().to_owned(),
        sets: sets.collect(),
        ..Inputs::of_variables(variables.iter().copied())
    };
    let sections = [Section::of::<VaultConfig>("vault", None)];
    let (settings, problems) = Settings::load(inputs, &sections);
    let mut said = format!("{}{settings:?}", settings.dump());
    write!(said, "{}{:?}", settings.to_json(), settings.warnings()).unwrap();
    for problem in problems.iter().chain(&settings.check()) {
        write!(said, "{problem}\n{problem:?}\n").unwrap();
    }
    for leaf in sections[0].leaves() {
        let explanation = settings.explain(leaf.key()).unwrap();
        write!(said, "{explanation}\n{explanation:?}\n").unwrap();
    }
    match settings.read::<VaultConfig>(&sections[0]) {
        Ok(config) => {
            // As people print it: with all fields but the addresses, which are no secrets by type.
            let config = VaultConfig { url: None, urls: Vec::new(), ..config };
            write!(said, "{config:?}{config:#?}").unwrap();
            let panic = std::panic::catch_unwind(|| panic!("{config:?}")).unwrap_err();
            said.push_str(panic.downcast_ref::<String>().unwrap());
        }
        Err(problems) => write!(said, "{problems:?}").unwrap(),
    }
    said
}

#[track_caller]
fn assert_unmarked(said: &str) {
    let at = said.find(MARK).or(said.find("53317"));
    assert_eq!(at.map(|at| &said[at.saturating_sub(200)..(at + 100).min(said.len())]), None);
}

#[test]
fn a_sound_configuration_shows_no_secret() {
    let said = said(SOUND, &[], &[]);
    assert_unmarked(&said);
    assert!(said.contains("VaultConfig {"), "it was read: {said}");
    let sections = [Section::of::<VaultConfig>("vault", None)];
    assert!(json_schema(&sections).to_string().contains("writeOnly"));
    assert!(
        example_yaml(&sections).contains("key") && example_dot_env(&sections).contains("VAULT_KEY")
    );
}

#[test]
fn no_layer_shows_a_secret() {
    let variables = [
        ("VAULT_KEY", "s3cr3t-1"),
        ("VAULT_ALL", "s3cr3t-2,s3cr3t-3"),
        ("VAULT_PIN", "s3cr3t-4"),
        ("VAULT_LONG", "s3"),
        ("VAULT_BELOW_KEY", "s3cr3t-5"),
        ("VAULT_COUNT", "https://ada:s3cr3t-6@localhost/"),
        ("VAULT_KEYS", "s3cr3t-7"),
    ];
    let sets = [
        "vault.key=s3cr3t-8",
        "vault.pin=s3cr3t-9",
        "vault.below.key=s3cr3t-10",
        "vault.url=https://ada:s3cr3t-11@localhost/",
        "vault.count=https://ada:s3cr3t-12@localhost/",
    ];
    assert_unmarked(&said(SOUND, &variables, &[]));
    assert_unmarked(&said(SOUND, &[], &sets));
    assert_unmarked(&said(SOUND, &variables, &sets));
}

/// Each line of the sound file is replaced by each kind of nonsense that keeps the secret.
#[test]
fn no_mistake_shows_a_secret() {
    let lines: Vec<&str> = SOUND.lines().collect();
    let mut tried = 0;
    for (at, line) in lines.iter().enumerate().skip(1) {
        let (key, value) = line.split_once(": ").unwrap();
        let mistakes = [
            format!("{key}: {{ inner: {value} }}"),
            format!("{key}: [[{value}]]"),
            format!("{key}: [{value}, {{ a: {value} }}]"),
            format!("{key}x: {value}"),
            format!("{key}: \"{value}"),
            format!("{key}: '{value}"),
            format!("{key}: {value}: {value}"),
            format!("{key}: @{value}"),
            format!("{key}: {{{value}"),
            format!("{key}: {value}\n{key}: {value}"),
            format!("{key}:\n    - {value}\n   - {value}"),
            format!("{key}: {value}\n  count: many"),
            format!("{key}: {value}\n  unknown: {value}"),
            format!("{key}: &a {value}\n  unknown: *b"),
            format!("{key} {value}"),
            format!("\t{key}: {value}"),
        ];
        for mistake in mistakes {
            let mut text = lines.clone();
            text[at] = &mistake;
            let said = said(&text.join("\n"), &[], &[]);
            let shown = said.contains(MARK) || said.contains("53317");
            assert!(!shown, "a secret is shown for\n{mistake}\n{said}");
            tried += 1;
        }
    }
    println!("{tried} mistakes");
}
