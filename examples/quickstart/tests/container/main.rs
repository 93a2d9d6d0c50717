//! What the container file says, and what becomes of the binary in such a container.
//!
//! No image is built here. What is proved is its last stage: the binary as the image runs it,
//! process 1 of a namespace.

mod recipe;
mod sandbox;

use std::{net::Ipv4Addr, os::unix::process::ExitStatusExt as _, path::Path, process::Command};

use purlin::testing::{Client, eventually, server};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use self::sandbox::{Sandbox, libraries};

const QUICKSTART: &str = env!("CARGO_BIN_EXE_quickstart");

/// The number of SIGTERM.
const TERMINATED: i32 = 15;

/// The first two numbers of a version, which compare as versions do.
fn version(text: &str) -> Vec<u32> {
    text.split('.').take(2).map(|part| part.parse().expect("a version has numbers")).collect()
}

/// A client that takes another way than the loopback address which servers listen on elsewhere.
async fn client(sandbox: &Sandbox, module: &str) -> Client {
    let address = sandbox.address(module).await;
    assert_eq!(address.ip(), Ipv4Addr::UNSPECIFIED, "{module}");
    Client::new((Ipv4Addr::new(127, 0, 0, 2), address.port()).into())
}

/// The version of the tool.
fn told(unshare: &str) -> String {
    let told = Command::new(unshare).arg("--version").output().expect("it can be run");
    let told = String::from_utf8(told.stdout).expect("it writes text");
    told.split_whitespace().last().unwrap_or_default().to_owned()
}

#[test]
fn it_builds_a_package_that_there_is_and_takes_its_binary() {
    let build = recipe::build();
    assert_eq!(build.argument("BIN"), env!("CARGO_PKG_NAME"));
    assert_eq!(Path::new(QUICKSTART).file_name().unwrap(), env!("CARGO_PKG_NAME"));
    let (run, image) = (build.only("RUN"), recipe::image());
    for part in [
        "cargo build --release --locked --package ${BIN}".to_owned(),
        format!("target/release/${{BIN}} /out{}", image.entrypoint()),
        format!(
            "--owner={0} --group={1} /out{2}",
            image.user().0,
            image.user().1,
            image.only("WORKDIR")
        ),
    ] {
        assert!(run.contains(&part), "`{part}` is not in `{run}`");
    }
    assert_eq!(image.only("COPY"), "--from=build /out /");
}

#[test]
fn it_builds_with_a_tool_chain_that_is_new_enough_for_a_glibc_that_is_old_enough() {
    let build = recipe::build();
    let (tag, _) = build.only("FROM").split_once(" AS ").unwrap();
    let (rust, debian) = tag.strip_prefix("rust:").unwrap().split_once("-slim-").unwrap();
    assert!(version(rust) >= version(env!("CARGO_PKG_RUST_VERSION")), "{rust}");
    let runtime = recipe::global().argument("RUNTIME").to_owned();
    assert_eq!(runtime, format!("debian:{debian}-slim"));
    assert_eq!(recipe::image().only("FROM"), "${RUNTIME}");
}

#[test]
fn it_needs_glibc_and_libgcc_alone() {
    let libraries = libraries(Path::new(QUICKSTART));
    assert!(!libraries.is_empty());
    for library in libraries {
        let name = library.file_name().unwrap().display().to_string();
        let (stem, _) = name.split_once(".so").unwrap();
        // Before 2.34, glibc had more of them.
        let known = ["libc", "libgcc_s", "libm", "libdl", "libpthread", "librt"];
        assert!(known.contains(&stem) || stem.starts_with("ld-linux"), "{name}");
    }
}

#[tokio::test]
async fn as_process_1_it_answers_drains_and_ends_when_told() {
    let Some(unshare) = server("unshare") else { return };
    let image = recipe::image();
    let any_port = ["--set", "http.listen=0", "--set", "admin.listen=0"];
    let mut sandbox = Sandbox::start(unshare.address(), QUICKSTART, &any_port).await;
    let (http, admin) = (client(&sandbox, "http").await, client(&sandbox, "admin").await);
    eventually(async || admin.get("/readyz").await.status == 200).await;
    assert_eq!((sandbox.user(), sandbox.capabilities()), (image.user().0, 0));
    assert_eq!(sandbox.writable(), [image.only("WORKDIR")]);
    let order = json!({ "customer": "ada", "amount_cents": 1250 });
    http.post("/orders").json(&order).await.expect(201);
    assert!(sandbox.children().is_empty(), "it has nobody to reap");

    // A request that is still being sent when the drain begins.
    let body = order.to_string();
    let head = format!(
        "POST /orders HTTP/1.1\r\nhost: quickstart\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let (first, rest) = body.split_at(10);
    let mut slow = TcpStream::connect(http.base().trim_start_matches("http://")).await.unwrap();
    slow.write_all((head + first).as_bytes()).await.unwrap();
    sandbox.signal(image.only("STOPSIGNAL"));
    eventually(async || admin.get("/readyz").await.status == 503).await;
    http.get("/orders").await.expect(200);
    let said = |log: &[Value], message: &str| log.iter().any(|line| line["message"] == message);
    eventually(async || said(&sandbox.log(), "drain delay is over")).await;
    slow.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(sandbox.children().is_empty(), "it has nobody to reap");

    let ended = sandbox.ended().await;
    let log = sandbox.log();
    assert_eq!((ended.code(), sandbox.errors()), (Some(0), String::new()), "{log:#?}");
    let begun = log.iter().find(|line| line["message"] == "stopping").unwrap();
    let stopped = log.last().unwrap();
    assert_eq!((&begun["reason"], &stopped["message"]), (&json!("SIGTERM"), &json!("stopped")));
    let number = |value: &Value| value.as_f64().unwrap();
    assert!(number(&stopped["took_ms"]) < number(&begun["budget_ms"]), "{stopped:?}");
    let version = told(unshare.address());
    unshare.met(&version);
}

/// What process 1 does not handle comes to nothing, and so the test above would notice if handlers
/// were missing.
#[tokio::test]
async fn as_process_1_a_program_without_handlers_is_not_ended_when_told() {
    let Some(unshare) = server("unshare") else { return };
    let mut sandbox = Sandbox::start(unshare.address(), "/bin/sleep", &["600"]).await;
    sandbox.signal(recipe::image().only("STOPSIGNAL"));
    sandbox.signal("SIGKILL");
    // `unshare` ends by the signal that ended its child, but cannot by this one.
    assert_ne!(sandbox.ended().await.signal(), Some(TERMINATED));
    let version = told(unshare.address());
    unshare.met(&version);
}
