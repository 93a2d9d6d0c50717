//! Secrets are in no output: each is marked, and the mark is looked for in everything that the
//! binary says. Which fields are secrets is read from its schema, so that a new one is covered.

#![expect(clippy::unwrap_used, reason = "a fixture of tests fails by panicking")]

use std::fs;

use purlin::testing::{Ended, Program, Signal};
use serde_json::Value;

use crate::process::{quickstart, service};

/// What is looked for.
const MARK: &str = "s3cr3t";

/// A secret that satisfies every rule: some have to be `name=value`.
fn secret(number: usize) -> String {
    format!("{MARK}-{number}=which-is-long-enough")
}

/// The keys of all secrets: `admin.token`.
fn secrets() -> Vec<String> {
    let schema: Value =
        serde_json::from_str(&run(&quickstart(), &["config", "schema"], &[]).1).unwrap();
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

/// Runs the binary: exit code, and what it printed.
fn run(program: &Program, args: &[&str], variables: &[(String, String)]) -> (i32, String) {
    let program = variables.iter().fold(program.clone(), |it, (name, value)| it.env(name, value));
    let Ended { code, output } = program.run(args);
    (code.unwrap(), output)
}

/// The binary with this configuration.
fn configured(text: impl AsRef<[u8]>) -> Program {
    let program = service();
    fs::write(program.directory().join("app.yaml"), text).unwrap();
    program
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
        let program = if in_file { configured(file(marked(&keys))) } else { quickstart() };
        let said = |verb: &[&str]| {
            let (code, said) = run(&program, &[sets, verb].concat(), variables);
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
            let program = configured(&text);
            for verb in [&["check"][..], &["config", "dump"], &["explain", &key], &[]] {
                let (code, said) = run(&program, verb, &[]);
                assert_unmarked(&format!("{verb:?} of\n{text}"), &said);
                assert!(code == 78 || !verb.is_empty(), "{verb:?} of\n{text}\n{code}: {said}");
            }
        }
    }
}

#[test]
fn a_password_in_a_url_is_a_secret_in_every_field() {
    let dump = run(&quickstart(), &["config", "dump"], &[]).1;
    let example = run(&quickstart(), &["config", "schema"], &[]).1;
    let schema: Value = serde_json::from_str(&example).unwrap();
    let url = format!("postgres://ada:{MARK}@db.internal/orders");
    let mut tried = 0;
    for (section, properties) in schema["properties"].as_object().unwrap() {
        for name in properties["properties"].as_object().into_iter().flat_map(serde_json::Map::keys)
        {
            let key = format!("{section}.{name}");
            let program = configured(file([(key.clone(), url.clone())]));
            for verb in [&["check"][..], &["config", "dump"], &["explain", &key]] {
                let (_, said) = run(&program, verb, &[]);
                assert_unmarked(&format!("{verb:?} with a URL as {key}"), &said);
            }
            tried += 1;
        }
    }
    println!("{tried} fields; without any of it:\n{dump}");
    assert!(tried > 20, "{tried}");
}

#[tokio::test]
async fn a_running_service_shows_no_secret() {
    let keys = secrets();
    let program = configured(file(marked(&keys)));
    let program = program.set("logger.level", "trace").set("lifecycle.drain_delay", "0s");
    let service = program.start().await;
    let (http, admin) = (service.http(), service.admin());

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
    service.signal(Signal::Terminate);
    let Ended { code, output: said } = service.ended().await;
    assert!(code == Some(0) && said.contains("\nstopped in "), "{said}");
    assert!(
        said.contains("TRACE") || said.contains("DEBUG"),
        "the log is not as detailed as it was to be"
    );
    assert_unmarked("the log, or a report,", &said);
}
