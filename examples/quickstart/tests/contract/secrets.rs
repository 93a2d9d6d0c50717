//! Secrets are in no output: each is marked, and the mark is looked for in everything that the
//! binary says. Which fields are secrets is read from its schema, so that a new one is covered.

#![expect(clippy::unwrap_used, reason = "a fixture of tests fails by panicking")]

use std::{fs, path::Path, process::Stdio};

use purlin::testing::{Client, eventually};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::process;

/// What is looked for.
const MARK: &str = "s3cr3t";

/// A secret that satisfies every rule.
fn secret(number: usize) -> String {
    format!("{MARK}-{number}-which-is-long-enough")
}

/// The keys of all secrets: `admin.token`.
fn secrets() -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let schema: Value =
        serde_json::from_str(&run(directory.path(), &["config", "schema"], &[]).1).unwrap();
    let mut keys = Vec::new();
    collect(&schema, "", &mut keys);
    assert!(keys.iter().any(|key| key == "admin.token"), "{keys:?}");
    keys
}

fn collect(schema: &Value, key: &str, keys: &mut Vec<String>) {
    if schema["writeOnly"] == true {
        keys.push(key.to_owned());
    }
    for variant in schema["anyOf"].as_array().into_iter().flatten() {
        collect(variant, key, keys);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
        collect(property, &key, keys);
    }
}

/// Runs the binary: exit code, and what it printed to stdout and to stderr.
fn run(directory: &Path, args: &[&str], variables: &[(String, String)]) -> (i32, String, String) {
    let output =
        process::command(directory).args(args).envs(variables.iter().cloned()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn assert_unmarked(what: &str, text: &str) {
    assert!(!text.contains(MARK), "{what} shows a secret:\n{text}");
}

/// A file that sets each key.
fn file(settings: impl IntoIterator<Item = (String, String)>) -> String {
    let mut sections = serde_json::Map::new();
    for (key, value) in settings {
        let (mut path, name) =
            (key.split('.').collect::<Vec<_>>(), key.rsplit('.').next().unwrap());
        path.pop();
        let mut at = &mut sections;
        for part in path {
            let below = at.entry(part).or_insert_with(|| Value::Object(serde_json::Map::new()));
            at = below.as_object_mut().unwrap();
        }
        at.insert(name.to_owned(), value.into());
    }
    // JSON is YAML.
    serde_json::to_string_pretty(&sections).unwrap()
}

fn marked(keys: &[String]) -> Vec<(String, String)> {
    keys.iter().cloned().enumerate().map(|(number, key)| (key, secret(number))).collect()
}

#[test]
fn no_verb_shows_a_secret_wherever_it_is_set() {
    let keys = secrets();
    let variables: Vec<_> = marked(&keys)
        .into_iter()
        .map(|(key, value)| (key.replace(['.', '@'], "_").to_uppercase(), value))
        .collect();
    let sets: Vec<_> =
        marked(&keys).iter().map(|(key, value)| format!("--set={key}={value}")).collect();
    let sets: Vec<_> = sets.iter().map(String::as_str).collect();
    let verbs: [&[&str]; 9] = [
        &["check"],
        &["graph"],
        &["graph", "--format", "dot"],
        &["graph", "--format", "json"],
        &["routes"],
        &["config", "dump"],
        &["config", "schema"],
        &["config", "example"],
        &["config", "env"],
    ];
    for (layer, in_file, variables, sets) in [
        ("file", true, &[][..], &[][..]),
        ("environment", false, &variables[..], &[][..]),
        ("--set", false, &[][..], &sets[..]),
        ("all", true, &variables[..], &sets[..]),
    ] {
        let directory = tempfile::tempdir().unwrap();
        if in_file {
            fs::write(directory.path().join("app.yaml"), file(marked(&keys))).unwrap();
        }
        let said = |verb: &[&str]| {
            let (code, out, err) = run(directory.path(), &[sets, verb].concat(), variables);
            let said = format!("{out}{err}");
            assert_eq!(code, 0, "{layer}: {verb:?}: {said}");
            assert_unmarked(&format!("{layer}: {verb:?}"), &said);
            said
        };
        for verb in verbs {
            said(verb);
        }
        for key in &keys {
            let said = said(&["explain", key]);
            assert!(said.contains("[redacted]"), "{layer}: {key} was not set: {said}");
        }
    }
}

/// The lines above the keys of a section such as `otel.exporter.otlp`, without the last colon, and
/// how far the keys are indented.
fn nested(section: &str) -> (String, String) {
    let mut pad = String::new();
    let mut lines = Vec::new();
    for name in section.split('.') {
        lines.push(format!("{pad}{name}"));
        pad.push_str("  ");
    }
    (lines.join(":\n"), pad)
}

#[test]
fn no_error_shows_a_secret_or_what_stands_beside_it() {
    let short = format!("{MARK}-1");
    for key in secrets() {
        let (section, name) = key.rsplit_once('.').unwrap();
        let (head, pad) = nested(section);
        let broken = [
            format!("{head}:\n{pad}{name}:\n{pad}  inner: {short}\n"),
            format!("{head}:\n{pad}{name}: [{short}, [{short}]]\n"),
            format!("{head}:\n{pad}{name}: {short}\n{pad}unknown: {short}\n"),
            format!("{head}:\n{pad}{name}: {short}\n{pad}enabled: maybe\n"),
            format!("{head}:\n{pad}enabled: maybe\n{pad}{name}: {short}\n"),
            format!("{head}:\n{pad}{name}x: {short}\n"),
            format!("{head}:\n{pad}{name}: \"{short}\n"),
            format!("{head}:\n{pad}{name}: {short}: {short}\n"),
            format!("{head}:\n{pad}{name}: @{short}\n"),
            format!("{head}:\n{pad}{name}: {short}\n{}{name}: {short}\n", &pad[1..]),
            format!("{head}:\n{pad}{name}: {short}\n{pad}{name}: {short}\n"),
            format!("{head}: {{{name}: {short}, unknown: 1}}\n"),
            format!("{head}: {{{name}: {short}\n"),
            format!("{head}x:\n{pad}{name}: {short}\n"),
            format!("{head}:\n\t{name}: {short}\n"),
        ];
        for text in broken {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join("app.yaml"), &text).unwrap();
            for verb in [&["check"][..], &["config", "dump"], &["explain", &key], &[]] {
                let (code, out, err) = run(directory.path(), verb, &[]);
                assert_unmarked(&format!("{verb:?} of\n{text}"), &format!("{out}{err}"));
                assert!(code == 78 || !verb.is_empty(), "{verb:?} of\n{text}\n{code}: {out}{err}");
            }
        }
    }
}

#[test]
fn a_password_in_a_url_is_a_secret_in_every_field() {
    let directory = tempfile::tempdir().unwrap();
    let dump = run(directory.path(), &["config", "dump"], &[]).1;
    let example = run(directory.path(), &["config", "schema"], &[]).1;
    let schema: Value = serde_json::from_str(&example).unwrap();
    let url = format!("postgres://ada:{MARK}@db.internal/orders");
    let mut tried = 0;
    for (section, properties) in schema["properties"].as_object().unwrap() {
        for name in properties["properties"].as_object().into_iter().flat_map(serde_json::Map::keys)
        {
            let key = format!("{section}.{name}");
            fs::write(directory.path().join("app.yaml"), file([(key.clone(), url.clone())]))
                .unwrap();
            for verb in [&["check"][..], &["config", "dump"], &["explain", &key]] {
                let (_, out, err) = run(directory.path(), verb, &[]);
                assert_unmarked(&format!("{verb:?} with a URL as {key}"), &format!("{out}{err}"));
            }
            tried += 1;
        }
    }
    println!("{tried} fields; without any of it:\n{dump}");
    assert!(tried > 20, "{tried}");
}

#[tokio::test]
async fn a_running_service_shows_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let keys = secrets();
    fs::write(directory.path().join("app.yaml"), file(marked(&keys))).unwrap();
    let output = directory.path().join("output");
    let write =
        || Stdio::from(fs::File::options().create(true).append(true).open(&output).unwrap());
    let mut command = tokio::process::Command::from(process::command(directory.path()));
    command.args(["--set", "http.listen=127.0.0.1:0", "--set", "admin.listen=127.0.0.1:0"]);
    command.args(["--set", "logger.level=trace", "--set", "lifecycle.drain_delay=0s"]);
    command.stdout(write()).stderr(write()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let said = || fs::read_to_string(&output).unwrap();
    eventually(async || said().contains("\nready in ")).await;
    let (http, admin) = (process::address(&said(), "http"), process::address(&said(), "admin"));
    let (http, admin) = (Client::new(http), Client::new(admin));

    let token = &marked(&keys).into_iter().find(|(key, _)| key == "admin.token").unwrap().1;
    let pages =
        ["/", "/config", "/graph", "/modules", "/health", "/metrics", "/version", "/loggers"];
    let probes = ["/leaders", "/routes", "/jobs", "/ready", "/readyz", "/live", "/healthz"];
    for page in pages.into_iter().chain(probes) {
        let answer = admin.get(page).bearer(token).await;
        assert_eq!(answer.status, 200, "{page}");
        assert_unmarked(page, &answer.text());
    }
    for token in [token.as_str(), "s3cr3t-but-wrong-and-long"] {
        let answer =
            admin.post("/loggers").bearer(token).json(&serde_json::json!({ "level": 7 })).await;
        assert_unmarked("a refused change", &answer.text());
    }
    for body in ["{", "{\"customer\":\"ada\",\"amount_cents\":0}"] {
        let answer = http
            .post("/orders")
            .bearer(token)
            .header("content-type", "application/json")
            .body(body);
        assert_unmarked("an error", &answer.await.text());
    }
    let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let status = child.wait().await.unwrap();
    let said = said();
    assert!(status.success() && said.contains("\nstopped in "), "{said}");
    assert!(
        said.contains("TRACE") || said.contains("DEBUG"),
        "the log is not as detailed as it was to be"
    );
    assert_unmarked("the log, or a report,", &said);
}
