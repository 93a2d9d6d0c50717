//! The contract of the quickstart, driven from outside: the built binary, real sockets, real signals.

#![expect(clippy::disallowed_methods, reason = "the clients of a test are its own tasks")]

mod deploy;
mod docs;
mod process;
mod secrets;

use std::{
    io::{Read as _, Write as _},
    process::Stdio,
    time::Duration,
};

use flate2::read::GzDecoder;
use purlin::testing::{Ended, Signal, eventually, server};
use serde_json::{Value, json};

use self::process::service;

const TOKEN: &str = "the-token-of-an-operator";

fn an_order() -> Value {
    json!({ "customer": "ada", "amount_cents": 1250 })
}

#[tokio::test]
async fn orders_are_taken_shown_and_listed() {
    let service = service().start().await;
    let http = service.http();

    let created = http.post("/orders").json(&an_order()).await.expect(201);
    let order: Value = created.json();
    let path = created.header("location").expect("a Location").to_owned();
    assert_eq!(path, format!("/orders/{}", order["id"].as_str().unwrap()));
    assert_eq!((&order["customer"], &order["amount_cents"]), (&json!("ada"), &json!(1250)));
    assert_eq!(order["status"], "new");
    assert!(order["created_at"].is_string());
    let id: uuid::Uuid = order["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 7);

    let shown: Value = http.get(&path).await.expect(200).json();
    assert_eq!(shown["id"], order["id"]);
    http.get(format!("/orders/{}", uuid::Uuid::nil())).await.expect(404).problem("not_found");
    let problem = http.get("/orders/nope").await.expect(404).problem("not_found");
    assert_eq!(problem["errors"][0]["field"], "id", "{problem}");

    let list: Value = http.get("/orders?limit=10&offset=0").await.expect(200).json();
    assert_eq!(list["total"], 1);
    assert_eq!(list["items"][0]["id"], order["id"]);
    for query in ["limit=0", "limit=101", "limit=x", "offset=-1"] {
        http.get(format!("/orders?{query}")).await.expect(422).problem("invalid_argument");
    }
}

#[tokio::test]
async fn bad_input_gets_a_problem_that_names_it() {
    let service = service().start().await;
    let http = service.http();

    let bad = json!({ "customer": "", "amount_cents": 0 });
    let problem = http.post("/orders").json(&bad).await.expect(422).problem("invalid_argument");
    let mut fields: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    fields.sort_unstable();
    assert_eq!(fields, ["amount_cents", "customer"]);
    assert!(problem["correlation_id"].is_string());

    let broken = http.post("/orders").header("content-type", "application/json").body("{");
    broken.await.expect(400).problem("invalid_argument");
    let large = "x".repeat(3 * 1024 * 1024);
    let large = http.post("/orders").json(&json!({ "customer": large, "amount_cents": 1 }));
    large.await.expect(413);
    let review = json!({ "customer": "ada", "amount_cents": 100_000_000 });
    http.post("/orders").json(&review).await.expect(409).problem("failed_precondition");
    http.get("/nowhere").await.expect(404).problem("not_found");
}

#[tokio::test]
async fn orders_are_confirmed_and_totalled_in_the_background() {
    let service = service().start().await;
    let http = service.http();
    let path = http.post("/orders").json(&an_order()).await.expect(201);
    let path = path.header("location").unwrap().to_owned();

    let clock = purlin::clock::Clock::system();
    let begun = clock.now();
    eventually(async || http.get(&path).await.json::<Value>()["status"] == "confirmed").await;
    let took = clock.now() - begun;
    println!("confirmed after {took:?}");
    assert!(took < Duration::from_secs(2));

    eventually(async || http.get("/totals").await.json::<Value>()["orders"] == 1).await;
    let totals: Value = http.get("/totals").await.expect(200).json();
    assert_eq!(totals["amount_cents"], 1250);
    let leaders: Value = service.admin().get("/leaders").await.expect(200).json();
    assert_eq!(leaders[0]["name"], "scheduler");
    assert_eq!(leaders[0]["token"], totals["term"]);
}

#[tokio::test]
async fn who_listens_hears_of_orders_until_the_service_drains() {
    // What has come is told before the drain begins.
    let service = service().set("lifecycle.drain_delay", "1s").start().await;
    let http = service.http();
    let listener = http.get("/orders/events");
    let listener = tokio::spawn(async move { listener.await.expect(200) });
    let open = "http_server_active_streams{route=\"/orders/events\"} 1";
    let admin = service.admin();
    eventually(async || admin.get("/metrics").await.text().contains(open)).await;

    let path = http.post("/orders").json(&an_order()).await.expect(201);
    let path = path.header("location").unwrap().to_owned();
    eventually(async || http.get(&path).await.json::<Value>()["status"] == "confirmed").await;
    service.signal(Signal::Terminate);
    let heard = listener.await.unwrap();
    assert_eq!(heard.header("content-type"), Some("text/event-stream"));
    let heard = heard.text();
    let data = heard.lines().filter_map(|line| line.strip_prefix("data: "));
    let orders: Vec<Value> = data.map(|order| serde_json::from_str(order).unwrap()).collect();
    let told: Vec<_> = orders
        .iter()
        .map(|order| (format!("/orders/{}", order["id"].as_str().unwrap()), &order["status"]))
        .collect();
    assert_eq!(told, [(path.clone(), &json!("new")), (path, &json!("confirmed"))], "{heard}");
    assert_eq!(service.ended().await.code, Some(0));
}

#[tokio::test]
async fn totals_are_a_job_that_is_shown_and_run_now() {
    let service = service()
        .env("ADMIN_TOKEN", TOKEN)
        .env("SCHEDULER_JOBS", r#"{"totals":{"schedule":"1h"}}"#)
        .start()
        .await;
    let (http, admin) = (service.http(), service.admin());
    let job = async || {
        let jobs: Vec<Value> = admin.get("/jobs").await.expect(200).json();
        jobs.into_iter().find(|job| job["name"] == "totals").expect("there is such a job")
    };
    // A term begins with a run; the next one is an hour away.
    eventually(async || job().await["last"]["outcome"] == "succeeded").await;
    let before = job().await;
    assert_eq!((&before["leader_only"], &before["schedule"]), (&json!(true), &json!("every 1h")));
    assert_eq!(before["last"]["trigger"], "start");
    http.post("/orders").json(&an_order()).await.expect(201);
    assert_eq!(http.get("/totals").await.json::<Value>()["orders"], 0);

    let run = || admin.post("/jobs/run").json(&json!({ "job": "totals" }));
    run().await.expect(401);
    run().bearer(TOKEN).await.expect(200);
    eventually(async || http.get("/totals").await.json::<Value>()["orders"] == 1).await;
    let after = job().await;
    assert_eq!((&after["last"]["trigger"], &after["runs"][1]), (&json!("manual"), &before["last"]));
    let totals: Value = http.get("/totals").await.json();
    assert_eq!(after["last"]["token"], totals["term"]);
}

#[tokio::test]
async fn totals_are_at_most_about_a_second_old() {
    let service = service().start().await;
    let (http, clock) = (service.http(), purlin::clock::Clock::system());
    eventually(async || http.get("/totals").await.json::<Value>()["term"] != 0).await;
    for orders in 1..=3 {
        http.post("/orders").json(&an_order()).await.expect(201);
        let begun = clock.now();
        eventually(async || http.get("/totals").await.json::<Value>()["orders"] == orders).await;
        let age = clock.now() - begun;
        println!("in the totals after {age:?}");
        assert!(age < Duration::from_millis(1_500), "{age:?}");
    }
}

#[tokio::test]
async fn a_page_and_its_total_are_of_one_moment() {
    let service = service().start().await;
    let writers: Vec<_> = (0..3)
        .map(|_| {
            let http = service.http();
            tokio::spawn(async move {
                for _ in 0..30 {
                    http.post("/orders").json(&an_order()).await.expect(201);
                }
            })
        })
        .collect();
    let http = service.http();
    let mut pages = 0;
    loop {
        let list: Value = http.get("/orders?limit=100").await.expect(200).json();
        let (total, items) = (list["total"].as_u64(), list["items"].as_array().unwrap().len());
        assert_eq!(total, Some(items as u64), "after {pages} pages");
        pages += 1;
        if total == Some(90) {
            break;
        }
    }
    println!("{pages} pages while orders came");
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn the_admin_port_shows_the_service() {
    let service = service().start().await;
    let admin = service.admin();
    for path in
        ["/healthz", "/readyz", "/live", "/ready", "/version", "/modules", "/loggers", "/jobs", "/"]
    {
        admin.get(path).await.expect(200);
    }
    let health: Value = admin.get("/health").await.expect(200).json();
    assert_eq!(health["checks"]["sqlite"]["healthy"], true, "{health}");
    let graph: Value = admin.get("/graph").await.expect(200).json();
    let names: Vec<_> =
        graph["nodes"].as_array().unwrap().iter().map(|node| &node["name"]).collect();
    assert!(names.contains(&&json!("OrderServiceImpl")), "{names:?}");
    assert!(admin.get("/graph?format=dot").await.expect(200).text().starts_with("digraph"));
    let config = admin.get("/config").await.expect(200).text();
    assert!(config.contains("max_amount_cents"), "{config}");

    service.http().get("/orders").await.expect(200);
    let metrics = admin.get("/metrics").await.expect(200).text();
    for part in [
        "http_server_request_duration_seconds_bucket{",
        "route=\"/orders\"",
        "purlin_build_info{",
        "process_resident_memory_bytes",
    ] {
        assert!(metrics.contains(part), "{part} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn promtool_finds_no_fault_with_the_metrics() {
    let Some(promtool) = server("promtool") else { return };
    let service = service().start().await;
    service.http().get("/orders").await.expect(200);
    let metrics = service.admin().get("/metrics").await.expect(200).text();
    let mut check = std::process::Command::new(promtool.address())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let checked = check.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && said.is_empty(), "{said}");
    let version = std::process::Command::new(promtool.address()).arg("--version").output().unwrap();
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    promtool.met(version.split_whitespace().nth(2).unwrap_or("unknown"));
}

#[tokio::test]
async fn a_profile_is_taken_while_it_works() {
    let service =
        service().set("admin.profiles.enabled", true).env("ADMIN_TOKEN", TOKEN).start().await;
    let path = "/debug/pprof/profile?seconds=1";
    service.admin().get(path).await.expect(401);
    let taken = service.admin().get(path).bearer(TOKEN).await.expect(200);
    let mut profile = Vec::new();
    GzDecoder::new(&*taken.body).read_to_end(&mut profile).expect("pprof is compressed by gzip");
    // What is counted stands in the table of texts, which is not encoded any further.
    for text in ["samples", "cpu", "nanoseconds"] {
        let found = profile.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(found, "`{text}` is not in a profile of {} bytes", profile.len());
    }
}

/// The tests of the workspace build the quickstart with every feature that anybody has; a clone runs
/// it with its own.
#[test]
fn what_the_tour_shows_is_built_in() {
    let manifest = include_str!("../../Cargo.toml");
    let purlin = manifest.lines().find(|line| line.starts_with("purlin = ")).unwrap();
    for feature in ["http", "otlp", "profiles", "scheduler", "sqlite"] {
        assert!(purlin.contains(&format!("\"{feature}\"")), "{purlin}");
    }
}

#[tokio::test]
async fn a_stop_under_load_answers_what_it_has_begun() {
    let service = service().start().await;
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let http = service.http();
            tokio::spawn(async move {
                let (mut served, mut failed) = (0, Vec::new());
                loop {
                    match http.post("/orders").json(&an_order()).send().await {
                        Ok(answer) if answer.status == 201 => served += 1,
                        Ok(answer) => failed.push(answer.status.to_string()),
                        // The port is closed: this request was never taken.
                        Err(error) if error.is_connect() => return (served, failed),
                        Err(error) => failed.push(format!("{error:?}")),
                    }
                }
            })
        })
        .collect();
    let admin = service.admin();
    eventually(async || {
        let orders: Value = service.http().get("/orders?limit=1").await.json();
        orders["total"].as_u64() > Some(200)
    })
    .await;
    drop(admin);
    service.signal(Signal::Terminate);
    let (mut served, mut failed) = (0, Vec::new());
    for client in clients {
        let (of_client, failures) = client.await.unwrap();
        served += of_client;
        failed.extend(failures);
    }
    let Ended { code, output: report } = service.ended().await;
    println!("{served} served, {} failed\n{report}", failed.len());
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(failed, Vec::<String>::new());
    // The two workers stop at the same time.
    for worker in ["confirmer ", "leader's jobs "] {
        let steps = ["stopping: SIGTERM", "http ", worker, "sqlite ", "stopped in"];
        let mut rest = report.as_str();
        for step in steps {
            let at = rest.find(step);
            let at = at.unwrap_or_else(|| panic!("`{step}` is not in its place in:\n{report}"));
            rest = &rest[at + step.len()..];
        }
    }
}

#[tokio::test]
async fn what_was_taken_survives_a_kill() {
    let quickstart = service();
    let service = quickstart.start().await;
    let mut paths = Vec::new();
    for _ in 0..20 {
        let created = service.http().post("/orders").json(&an_order()).await.expect(201);
        paths.push(created.header("location").unwrap().to_owned());
    }
    service.signal(Signal::Kill);
    assert_eq!(service.ended().await.code, None);
    let service = quickstart.start().await;
    for path in &paths {
        service.http().get(path).await.expect(200);
    }
    println!("{} orders survived", paths.len());
}

#[tokio::test]
async fn a_port_in_use_fails_the_start_and_names_the_setting() {
    let service = service().start().await;
    let address = service.http().base().trim_start_matches("http://").to_owned();
    let (code, report) = process::run(&["--set", &format!("http.listen={address}")], &[]);
    assert_eq!(code, 70, "{report}");
    let cause = format!("\n  address {address} is in use");
    assert!(
        report.contains(&cause) && report.contains("set        http.listen (--set)"),
        "{report}"
    );
}

#[test]
fn every_verb_works() {
    let verbs: [(&[&str], &str); 14] = [
        (&["--help"], "explain"),
        (&["--version"], "quickstart 0.1.0"),
        (&["check"], "ok: "),
        (&["graph"], "flowchart LR"),
        (&["graph", "--format", "dot"], "digraph app"),
        (&["explain", "orders.max_amount_cents"], "1000000"),
        (&["explain", "orders"], "orders.confirm_every = 200ms"),
        (&["explain"], "sqlite.file = app.db"),
        (&["config", "dump"], "max_amount_cents"),
        (&["config", "schema"], "\"$schema\""),
        (&["config", "example"], "# Largest amount"),
        (&["config", "env"], "ORDERS_MAX_AMOUNT_CENTS"),
        (&["routes"], "/orders/{id}"),
        (&["openapi"], "\"operationId\": \"show\""),
    ];
    for (args, part) in verbs {
        let (code, output) = process::run(args, &[]);
        assert_eq!(code, 0, "{args:?}: {output}");
        assert!(output.contains(part), "{args:?}: {output}");
    }
}

/// Who adds or opens a route changes this table, and whoever reviews it sees that.
#[test]
fn who_may_call_what_is_written_down() {
    let (code, table) = process::run(&["routes"], &[]);
    assert_eq!(code, 0, "{table}");
    let expected = "\
METHOD  PATH            POSTURE  REQUIRES  HANDLER
GET     /orders         public   -         quickstart::routes::list
POST    /orders         public   -         quickstart::routes::create
GET     /orders/{id}    public   -         quickstart::routes::show
GET     /orders/events  public   -         quickstart::routes::events
GET     /totals         public   -         quickstart::routes::totals
";
    assert_eq!(table, expected);
}

#[test]
fn bad_settings_are_all_shown_with_their_places() {
    let (code, output) = process::run(
        &["--set", "orders.max_amount_cent=1"],
        &[("ORDERS_CONFIRM_EVERY", "soon"), ("HTTP_LISTEN", "tcp://10.0.0.1:9000")],
    );
    assert_eq!(code, 78, "{output}");
    assert!(output.contains("did you mean `max_amount_cents`?"), "{output}");
    assert!(
        output.contains("env ORDERS_CONFIRM_EVERY=\"soon\": not a duration; write 500ms, 5s or 2m"),
        "{output}"
    );
    assert!(output.contains("exit code 78"), "{output}");
}

#[test]
fn a_pause_of_nothing_is_refused() {
    let (code, output) = process::run(&["check"], &[("ORDERS_CONFIRM_EVERY", "0s")]);
    assert_eq!(code, 78, "{output}");
    let said = "env ORDERS_CONFIRM_EVERY=\"0s\": must be from 10ms to 1h";
    assert!(output.contains(said), "{output}");
}

#[test]
fn the_graph_is_sound() {
    quickstart::app().validate().unwrap();
}
