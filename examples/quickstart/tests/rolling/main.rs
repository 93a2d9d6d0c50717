//! Rolling restarts: one quickstart takes the place of another on the same port and the same data,
//! again and again, while clients use it and notice nothing.

#![expect(clippy::disallowed_methods, reason = "a test is steered from outside, by variables")]
#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test by panicking")]

mod load;
mod wire;

use std::{env, process::Command, time::Duration};

use purlin::{
    clock::{Clock, Instant},
    testing::{Ended, Process, Program, Signal, eventually, server},
};
use serde_json::Value;

use self::load::{Figures, Load};

/// The settings of production, but for the drain delay: it is 5 s there, and passes in each round.
fn quickstart(listen: &str) -> Program {
    Program::new(env!("CARGO_BIN_EXE_quickstart"))
        .env("PURLIN_PROFILE", "prod")
        .env("LEADER_LOCAL", "allow")
        .set("lifecycle.drain_delay", format!("{}ms", DRAIN_DELAY.as_millis()))
        .set("http.reuse_port", true)
        // Nobody reads a line for each of thousands of requests.
        .set("http.layers.access_log", false)
        .set("http.listen", listen)
}

const DRAIN_DELAY: Duration = Duration::from_millis(500);

/// How often the service is replaced; `cargo xtask chaos` asks for more.
fn rounds() -> u64 {
    env::var("PURLIN_CHAOS_ROUNDS").map_or(20, |rounds| rounds.parse().expect("a number"))
}

/// Whether the kernel hands over what waits in the queue of a socket that is closed.
fn hands_over() -> bool {
    let migrates = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_migrate_req");
    migrates.is_ok_and(|migrates| migrates.trim() == "1")
}

/// Tells a service to stop, and watches how it does.
async fn stop(service: Process) {
    let admin = service.admin();
    service.signal(Signal::Terminate);
    eventually(async || admin.get("/readyz").await.status == 503).await;
    let Ended { code, output } = service.ended().await;
    assert_eq!(code, Some(0), "{output}");
    let log: Vec<Value> =
        output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let place = |component: &str, message: &str| {
        let is_it = |line: &Value| line["component"] == component && line["message"] == message;
        let place = log.iter().position(is_it);
        place.unwrap_or_else(|| panic!("no `{message}` of {component} in:\n{output}"))
    };
    let delayed = place("lifecycle", "drain delay is over");
    let drained = place("http", "runnable stopped");
    let steps = [
        place("lifecycle", "stopping"),
        delayed,
        drained,
        place("confirmer", "runnable stopped"),
        place("sqlite", "undone"),
        place("lifecycle", "stopped"),
    ];
    assert!(steps.is_sorted(), "{steps:?} in:\n{output}");
    assert!(log[delayed]["took_ms"].as_f64() >= Some(DRAIN_DELAY.as_secs_f64() * 1e3), "{output}");
    let closed = log[drained]["detail"].as_str().expect("it says what became of connections");
    assert!(closed.contains("closed") && !closed.contains("cut"), "{output}");
}

/// No request fails after its first byte was written, no stream breaks off, and no order is lost.
///
/// A client that connected and was reset before its first answer asks once more: its connection may
/// have been in the kernel's queue of a socket that was just closed. It is counted; where the kernel
/// hands such connections over (`net.ipv4.tcp_migrate_req`), there is to be none. A request that a
/// `GOAWAY` says was not taken is counted, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rolling_restarts_fail_no_request() {
    let rounds = rounds();
    let first = quickstart("127.0.0.1:0");
    let mut service = first.start().await;
    let address = service.address("http");
    // The last of several is the one that counts; the directory is that of the first.
    let next = first.clone().set("http.listen", address);
    let clock = Clock::system();
    let load = Load::start(address);
    for _ in 0..rounds {
        load.passes().await;
        let successor = next.start().await;
        successor.admin().get("/readyz").await.expect(200);
        stop(std::mem::replace(&mut service, successor)).await;
    }
    load.passes().await;
    // Who listens goes on until the service ends.
    load.is_enough();
    let (figures, ()) = tokio::join!(load.ended(), stop(service));

    let took = clock.now().since(Instant::START);
    let migrates = if hands_over() { "handed over" } else { "not handed over" };
    println!("{rounds} restarts, queued connections {migrates} · {figures}");
    println!("{:.0} requests/s", figures.answered() as f64 / took.as_secs_f64());
    let Figures { failures, orders, told, told_over_http2, resets, .. } = &figures;
    assert!(failures.is_empty(), "{failures:#?}");
    let met_drains = *told > rounds / 4 && *told_over_http2 > rounds / 4;
    assert!(met_drains, "few streams met a drain: {figures}");
    if hands_over() {
        assert!(resets.is_empty(), "{resets:#?}");
    }
    let service = next.start().await;
    let list: Value = service.http().get("/orders?limit=1").await.expect(200).json();
    assert_eq!(list["total"], *orders, "each order that was taken is there, and no other");
}

/// The same on a kernel that hands connections over, which a namespace of the network may ask for
/// without asking it of the whole machine.
#[test]
fn where_connections_are_handed_over_nobody_is_reset() {
    let Some(netns) = server("netns") else { return };
    let mut again = Command::new(netns.address());
    again.arg(env::current_exe().expect("a test has a path"));
    again.args(["--exact", "rolling_restarts_fail_no_request", "--nocapture"]);
    let ended = again.output().expect("it was run before");
    let (said, errors) =
        (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    print!("{said}");
    assert!(ended.status.success(), "{errors}");
    assert!(said.contains("queued connections handed over"), "{said}");
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("it has a release");
    netns.met(kernel.trim());
}
