//! The page that shows the API, as a browser draws it.

use std::{path::Path, process::Stdio, time::Duration};

use purlin::{
    clock::Clock,
    testing::{Server, server},
};
use serde_json::Value;
use tokio::process::Command;

use crate::process::service;

/// What a browser makes of a page.
struct Drawn {
    /// The document after its scripts have run.
    dom: String,
    /// What the page, or the browser about it, has written to the console.
    console: Vec<String>,
}

const PATIENCE: Duration = Duration::from_secs(90);

/// Draws a page, with a profile in a new directory; nothing is asked of anybody but the page's host.
async fn draw(chromium: &Server, url: &str, profile: &Path) -> Drawn {
    let mut browser = Command::new(chromium.address());
    browser.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
    browser.args(["--disable-background-networking", "--disable-component-update"]);
    browser.args(["--no-first-run", "--disable-sync", "--disable-quic", "--enable-logging=stderr"]);
    browser.args(["--dump-dom", "--virtual-time-budget=5000"]);
    browser.arg(format!("--user-data-dir={}", profile.display())).arg(url);
    browser.env("HOME", profile).stdin(Stdio::null()).kill_on_drop(true);
    let drawn = Clock::system().timeout(PATIENCE, browser.output()).await;
    let drawn = drawn.expect("a page is drawn in time").expect("it was run before");
    let log = String::from_utf8_lossy(&drawn.stderr);
    assert!(drawn.status.success(), "{log}");
    let dom = String::from_utf8(drawn.stdout).expect("a page is text");
    let console = log.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned);
    Drawn { dom, console: console.collect() }
}

/// What the page shows of one operation.
fn shown<'a>(dom: &'a str, id: &str) -> &'a str {
    let (_, rest) = dom
        .split_once(&format!("<details id=\"{id}\""))
        .unwrap_or_else(|| panic!("{id} is not in:\n{dom}"));
    rest.split("<details id=\"").next().expect("a text has a first part")
}

/// The names of the fields that an operation takes.
fn fields<'a>(document: &'a Value, operation: &'a Value) -> Vec<&'a str> {
    let body = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    let schema = body.as_str().and_then(|body| document.pointer(body.trim_start_matches('#')));
    let fields = schema.and_then(|schema| schema["properties"].as_object());
    fields.into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn a_browser_draws_every_operation_without_a_complaint() {
    let Some(chromium) = server("chromium") else { return };
    let program = service();
    let service = program.start().await;
    let page = format!("{}/docs", service.http().base());
    let Drawn { dom, console } = draw(&chromium, &page, &program.directory().join("docs")).await;
    assert_eq!(console, [""; 0], "{dom}");
    assert!(dom.contains("<h1 id=\"title\">quickstart 0.1.0</h1>"), "{dom}");

    let document: Value = service.http().get("/openapi.json").await.expect(200).json();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().expect("there are paths") {
        for (method, operation) in methods.as_object().expect("a path has methods") {
            let shown = shown(&dom, operation["operationId"].as_str().expect("it has a name"));
            let has = |part: &str| assert!(shown.contains(part), "`{part}` is not in:\n{shown}");
            has(&format!(">{}</span>", method.to_uppercase()));
            has(&format!("<span class=\"path\">{path}</span>"));
            has(operation["summary"].as_str().expect("it says what it does"));
            for status in operation["responses"].as_object().expect("it answers").keys() {
                has(&format!("<th scope=\"row\">{status}</th>"));
            }
            for field in fields(&document, operation) {
                has(&format!("<code>{field}</code>"));
            }
            operations += 1;
        }
    }
    assert_eq!(operations, 5);

    // The document may have been read wrongly here as there, so one is written out.
    let create = shown(&dom, "create");
    for part in [
        ">POST</span><span class=\"path\">/orders</span>",
        "<code>application/json: NewOrder</code>",
        "<td><code>customer</code></td><td><code>string</code> minLength 1, maxLength 200</td>",
        "<td><code>amount_cents</code></td><td><code>integer (int64)</code> minimum 1</td>",
        "<th scope=\"row\">201</th>",
        "<code>application/json: Order</code>",
        "<th scope=\"row\">422</th>",
        "<button>Send POST</button>",
    ] {
        assert!(create.contains(part), "`{part}` is not in:\n{create}");
    }

    // Such a complaint would have been seen.
    let broken = "data:text/html,<p>drawn</p><script>throw new Error('a fault')</script>";
    let Drawn { dom, console } = draw(&chromium, broken, &program.directory().join("broken")).await;
    assert!(dom.contains("<p>drawn</p>"), "{dom}");
    assert!(console.len() == 1 && console[0].contains("a fault"), "{console:?}");
    let version = Command::new(chromium.address()).arg("--version").output().await.unwrap();
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    chromium.met(version.split_whitespace().nth(1).unwrap_or("unknown"));
}
