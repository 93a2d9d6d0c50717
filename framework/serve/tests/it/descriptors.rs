use std::process::Command;

use purlin_core::clock::Clock;
use purlin_serve::Limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;

use crate::support::{Running, eventually};

/// The limit holds for a whole process, so the test runs in one of its own.
#[test]
fn a_server_without_file_descriptors_waits_for_some() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "descriptors::in_a_process_of_its_own", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{printed}");
    assert!(printed.contains("1 passed"), "{printed}");
}

#[tokio::test]
#[ignore = "it takes the file descriptors of its process; the test above runs it"]
async fn in_a_process_of_its_own() {
    let server = Running::start(Limits::default());
    server.assert_serves().await;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..limit }).unwrap();

    let mut clients = Vec::new();
    while let Ok(client) = TcpStream::connect(server.addr).await {
        clients.push(client);
    }
    eventually("accepting fails", || server.stats.accept_errors() > 0).await;

    // No pause is shorter than 10 ms, so each failure took that long at least.
    let (before, clock) = (server.stats.accept_errors(), Clock::system());
    let started = clock.now();
    eventually("accepting fails again", || server.stats.accept_errors() >= before + 3).await;
    let (errors, took) = (server.stats.accept_errors() - before, clock.now() - started);
    assert!(errors as u128 <= 1 + took.as_millis() / 10, "{errors} in {took:?}");

    drop(clients);
    server.assert_serves().await;
}
