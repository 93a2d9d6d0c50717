use std::{collections::BTreeMap, fs, str, sync::Arc, time::Duration};

use purlin_core::config::{
    ByteSize, Config, Inputs, Listen, MapEnv, Problem, Secret, Section, Settings,
};
use tempfile::TempDir;

/// A section with a field of each kind.
#[derive(Debug, Config)]
#[config(section = "fuzz")]
#[expect(dead_code, reason = "what matters is how it is read")]
struct Fuzz {
    #[config(default = "name")]
    name: String,
    #[config(default = 7)]
    #[validate(range(min = 1, max = 9))]
    number: u8,
    #[config(default = 0.5)]
    ratio: f64,
    #[config(default = false)]
    flag: bool,
    #[config(default = "10MiB")]
    size: ByteSize,
    #[config(default = "5s")]
    wait: Duration,
    #[config(default = "8080")]
    listen: Listen,
    #[config(default = ["a"])]
    list: Vec<String>,
    #[config(default)]
    map: BTreeMap<String, u32>,
    #[validate(length(min = 1000))]
    token: Option<Secret<String>>,
    #[config(default = 1, renamed_from = "old")]
    new: u32,
    #[config(nested)]
    part: Part,
}

#[derive(Debug, Config)]
#[expect(dead_code, reason = "what matters is how it is read")]
struct Part {
    #[config(default = true)]
    on: bool,
}

/// A token that is refused, and must not be told by the refusal.
const MARKER: &str = "marked-secret-d41d8cd9";

/// Most that one problem may say: what is wrong is shown, not repeated as a whole.
const LONGEST: usize = 8 * 1024;

/// Whatever the file holds, what is said of it is bounded and shows no secret.
pub fn yaml(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    file("app.yaml", text, &[]);
}

/// Whatever `.env` holds, what is said of it is bounded and shows no secret.
pub fn dot_env(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    file(".env", text, &[]);
}

/// Placeholders are filled in or refused, and references read or refused.
pub fn placeholder(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let quoted = text.replace('\'', "''").replace(['\n', '\r', '\0'], " ");
    let variables = [("HOST", "host"), ("PORT", "1"), ("EMPTY", "")];
    file("app.yaml", &format!("fuzz:\n  name: '{quoted}'\n"), &variables);
}

/// A duration is written as it is read.
pub fn duration(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let read = |text: &str| {
        let section = Section::of::<Fuzz>("fuzz", None);
        let inputs = Inputs { parse_type: None, ..Inputs::of_variables([("FUZZ_WAIT", text)]) };
        let inputs = Inputs { base_dir: "/nonexistent".into(), ..inputs };
        let (settings, _) = Settings::load(inputs, std::slice::from_ref(&section));
        settings.read::<Fuzz>(&section).map(|fuzz| fuzz.wait)
    };
    if reaches_out(text) {
        return;
    }
    match read(text) {
        Ok(wait) => {
            let written = format!("{}ns", wait.as_nanos());
            if wait.as_nanos() <= u64::MAX.into() {
                assert_eq!(read(&written).ok(), Some(wait), "{text:?}");
            }
        }
        Err(problems) => problems.iter().for_each(|problem| said(problem, text)),
    }
}

/// Reads one file beside some variables.
fn file(name: &str, text: &str, variables: &[(&str, &str)]) {
    if reaches_out(text) || text.contains(MARKER) {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    write(&directory, name, text);
    write(&directory, "token", "a token\n");
    let variables = variables.iter().copied().chain([("FUZZ_TOKEN", MARKER)]);
    let inputs = Inputs {
        env: Arc::new(MapEnv::from_iter(variables)),
        base_dir: directory.path().to_owned(),
        profile: Some("dev".to_owned()),
        ..Inputs::default()
    };
    let section = Section::of::<Fuzz>("fuzz", None);
    let (settings, problems) = Settings::load(inputs, std::slice::from_ref(&section));
    problems.iter().chain(&settings.check()).for_each(|problem| said(problem, text));
    let read = settings.read::<Fuzz>(&section);
    assert!(read.is_err(), "the token is too short");
    assert!(!settings.to_json().to_string().contains(MARKER), "the dump shows a secret");
    for warning in settings.warnings() {
        assert!(!warning.contains(MARKER), "{warning}");
    }
}

/// Whether a text names files or devices of this machine, which a fuzzer has no business with.
fn reaches_out(text: &str) -> bool {
    text.contains("file:") && (text.contains('/') || text.contains(".."))
}

fn write(directory: &TempDir, name: &str, text: &str) {
    fs::write(directory.path().join(name), text).expect("a file can be written there");
}

fn said(problem: &Problem, text: &str) {
    let said = problem.to_string();
    assert!(said.len() <= LONGEST, "{} bytes are said of {text:?}", said.len());
    assert!(!said.contains(MARKER), "{said}");
}
