//! Rolling restarts: one service takes the place of another on the same port, again and again, while
//! clients use it and notice nothing.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test by panicking")]

extern crate purlin_core as purlin;

mod load;
mod process;

use std::time::Duration;

use purlin::clock::Clock;
use rustix::process::Signal;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use self::{load::Load, process::Service};

/// How often the service is replaced; `cargo xtask chaos` asks for more.
#[expect(clippy::disallowed_methods, reason = "a test is steered from outside by a variable")]
fn rounds() -> usize {
    std::env::var("PURLIN_CHAOS_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap())
}

/// No request fails after its first byte was written.
///
/// A client that connected and was reset before its first answer asks once more: its connection may
/// have been in the kernel's queue of a socket that was just closed. It is counted; where the kernel
/// hands such connections over (`net.ipv4.tcp_migrate_req`), there is to be none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rolling_restarts_fail_no_request() {
    let rounds = rounds();
    // Nobody reads a line for each of thousands of requests.
    let quiet = ["http.layers.access_log=false"];
    let mut service = Service::start("127.0.0.1:0", &quiet).await;
    let address = service.address.clone();
    let began = Clock::system();
    let load = Load::start(&address);
    for _ in 0..rounds {
        load.passes().await;
        let next = Service::start(&address, &quiet).await;
        service.signal(Signal::TERM);
        let (code, report) = service.end().await;
        assert_eq!(code, 0, "{report}");
        assert!(report.contains("closed") && !report.contains("cut"), "{report}");
        service = next;
    }
    load.passes().await;
    let figures = load.stop().await;
    service.signal(Signal::TERM);
    assert_eq!(service.end().await.0, 0);

    let took = began.now().since(purlin::clock::Instant::START);
    println!("{rounds} restarts · {figures} · {:.0} requests/s", figures.rate(took));
    assert!(figures.failures.is_empty(), "{:#?}", figures.failures);
    assert!(figures.streams > rounds as u64 && figures.http2 > rounds as u64, "{figures}");
    let migrates = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_migrate_req");
    if migrates.is_ok_and(|migrates| migrates.trim() == "1") {
        assert_eq!(figures.retried, 0);
    }
}

#[tokio::test]
async fn a_stuck_handler_is_cut_at_its_deadline_and_named() {
    let mut service = Service::start("127.0.0.1:0", &["http.drain=300ms"]).await;
    let mut stuck = TcpStream::connect(&service.address).await.unwrap();
    stuck.write_all(b"GET /stuck HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    service.is_asked_for_something().await;
    let clock = Clock::system();
    let began = clock.now();
    service.signal(Signal::TERM);
    let (_, report) = service.end().await;
    let took = clock.now().since(began);
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(10), "{took:?}");
    let told = report.lines().find(|line| line.contains("cut at the deadline")).expect("a line");
    assert!(told.trim_start().starts_with("http "), "{report}");
    assert!(told.contains("1 connection cut"), "{report}");
    // The access log has a line for each request, and this one's says that nobody got an answer.
    let named = report.lines().find(|line| line.contains(r#""http.route":"/stuck""#));
    assert!(named.expect(&report).contains(r#""http.response.status_code":499"#), "{report}");
}
