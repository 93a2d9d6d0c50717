use std::time::Duration;

use purlin_core::clock::Clock;
use purlin_serve::{DrainReport, Limits};

use tokio::{sync::mpsc, task::JoinSet};

use crate::support::{Running, within};

/// So long that no test sees its end.
const LONG: Duration = Duration::from_secs(3600);

/// The drain waits as long as it has to for requests on open connections.
fn patient() -> Limits {
    Limits { drain_grace: LONG, ..Limits::default() }
}

#[tokio::test]
async fn a_kept_connection_is_told_to_close() {
    let (clock, _hand) = Clock::held();
    let mut server = Running::start_with(Limits::default(), clock);
    let mut client = server.connect().await;
    client.get("/").await;
    assert_eq!(client.answer().await.header("connection"), None);
    let mut other = server.connect_waiting().await;

    server.stop(LONG).await;
    server.let_through(&mut other).await;
    client.get("/").await;
    let last = client.answer().await;
    assert_eq!((last.status, last.body.as_str()), (200, "hello"));
    assert_eq!(last.header("connection"), Some("close"));
    client.ended().await;
    assert_eq!(server.report().await, DrainReport { closed: 2, finished: 2, cut: 0 });
}

#[tokio::test]
async fn a_kept_connection_without_a_request_is_closed_after_the_grace() {
    let (clock, hand) = Clock::held();
    let mut server = Running::start_with(Limits::default(), clock);
    let mut client = server.connect().await;
    client.get("/").await;
    client.answer().await;

    server.stop(LONG).await;
    hand.advance(Limits::default().drain_grace);
    client.ended().await;
    assert_eq!(server.report().await, DrainReport { closed: 1, finished: 0, cut: 0 });
}

#[tokio::test]
async fn a_fresh_connection_gets_its_first_answer() {
    let (clock, _hand) = Clock::held();
    let mut server = Running::start_with(Limits::default(), clock);
    let mut client = server.connect_accepted().await;
    let mut other = server.connect_waiting().await;

    server.stop(LONG).await;
    server.let_through(&mut other).await;
    client.get("/").await;
    let only = client.answer().await;
    assert_eq!((only.body.as_str(), only.header("connection")), ("hello", Some("close")));
    client.ended().await;
    assert_eq!(server.report().await, DrainReport { closed: 2, finished: 2, cut: 0 });
}

#[tokio::test]
async fn a_fresh_connection_does_not_hold_the_stop() {
    let (clock, hand) = Clock::held();
    let mut server = Running::start_with(Limits::default(), clock);
    let mut client = server.connect_accepted().await;

    server.stop(LONG).await;
    hand.advance(Limits::default().drain_grace);
    client.ended().await;
    assert_eq!(server.report().await, DrainReport { closed: 1, finished: 0, cut: 0 });
}

#[tokio::test]
async fn half_a_head_outlasts_the_grace() {
    let (clock, hand) = Clock::held();
    let mut server = Running::start_with(Limits::default(), clock);
    let mut client = server.connect_accepted().await;
    let mut other = server.connect_waiting().await;
    client.send("GET / HTTP/1.1\r\nHost:").await;
    // Who comes later is served later: the half has been read when this one has its answer.
    server.assert_serves().await;

    server.stop(LONG).await;
    hand.advance(Limits::default().drain_grace);
    server.let_through(&mut other).await;
    client.send(" test\r\n\r\n").await;
    assert_eq!(client.answer().await.header("connection"), Some("close"));
    client.ended().await;
    assert_eq!(server.report().await.finished, 2);
}

#[tokio::test]
async fn a_request_in_flight_is_answered() {
    let mut server = Running::start(Limits::default());
    let mut client = server.connect_waiting().await;
    assert_eq!(server.stats.requests(), 1);

    server.stop(LONG).await;
    assert!(server.is_running());
    let answer = server.let_through(&mut client).await;
    assert_eq!((answer.body.as_str(), answer.header("connection")), ("through", Some("close")));
    client.ended().await;
    assert_eq!(server.stats.requests(), 0);
    assert_eq!(server.report().await, DrainReport { closed: 1, finished: 1, cut: 0 });
}

#[tokio::test]
async fn a_streaming_body_is_awaited() {
    let (clock, _hand) = Clock::held();
    let mut server = Running::start_with(Limits::default(), clock);
    let mut client = server.connect().await;
    let chunks = server.chunks.take().unwrap();
    client.get("/stream").await;
    chunks.send("before".into()).unwrap();
    client.read_until("before").await;

    server.stop(LONG).await;
    chunks.send("during".into()).unwrap();
    client.read_until("during").await;
    assert!(server.is_running());
    drop(chunks);
    client.read_until("0\r\n\r\n").await;
    client.ended().await;
    assert_eq!(server.report().await, DrainReport { closed: 1, finished: 1, cut: 0 });
}

#[tokio::test]
async fn the_kernels_queue_is_served_before_the_listener_closes() {
    let mut server = Running::start(Limits { max_connections: 1, ..patient() });
    let mut first = server.connect_waiting().await;
    let mut queued = Vec::new();
    for _ in 0..3 {
        let mut client = server.connect().await;
        client.get("/").await;
        queued.push(client);
    }
    assert_eq!(server.stats.accepted(), 1);

    server.stop(LONG).await;
    for mut client in queued {
        let answer = client.answer().await;
        assert_eq!((answer.body.as_str(), answer.header("connection")), ("hello", Some("close")));
        client.ended().await;
    }
    assert_eq!(server.let_through(&mut first).await.body, "through");
    assert_eq!(server.report().await, DrainReport { closed: 4, finished: 4, cut: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_no_request_is_lost() {
    const CLIENTS: u64 = 32;
    let mut server = Running::start(patient());
    let (busy, mut all_busy) = mpsc::channel::<()>(1);
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let mut client = server.connect().await;
        let busy = busy.clone();
        clients.spawn(async move {
            let mut busy = Some(busy);
            for served in 1.. {
                client.get("/").await;
                let answer = client.answer().await;
                assert_eq!(answer.body, "hello");
                if answer.header("connection") == Some("close") {
                    client.ended().await;
                    return served;
                }
                busy.take_if(|_| served == 100);
            }
            unreachable!("it ends with the server")
        });
    }
    drop(busy);
    assert_eq!(within("every client is busy", all_busy.recv()).await, None);

    server.ask_to_stop(LONG);
    let served = within("every client is told to close", clients.join_all()).await;
    assert!(served.iter().all(|served| *served > 100), "{served:?}");
    let report = server.report().await;
    assert_eq!((report.closed, report.cut), (CLIENTS, 0));
    assert!(report.finished >= CLIENTS, "{report}");
}

#[tokio::test]
async fn what_is_open_at_the_deadline_is_cut_and_counted() {
    let (clock, hand) = Clock::held();
    let mut server = Running::start_with(Limits::default(), clock);
    let mut stuck = server.connect_waiting().await;
    let mut idle = server.connect_accepted().await;

    server.stop(Duration::from_secs(4)).await;
    hand.advance(Duration::from_secs(1));
    idle.ended().await;
    assert!(server.is_running());
    hand.advance(Duration::from_secs(3));
    stuck.gone().await;
    let report = server.report().await;
    assert_eq!(report, DrainReport { closed: 1, finished: 0, cut: 1 });
    assert!(!report.is_clean());
}

#[tokio::test]
async fn the_grace_leaves_time_before_the_deadline() {
    let (clock, hand) = Clock::held();
    let mut server = Running::start_with(patient(), clock);
    let mut idle = server.connect_accepted().await;

    server.stop(Duration::from_secs(4)).await;
    hand.advance(Duration::from_secs(2));
    idle.ended().await;
    assert_eq!(server.report().await, DrainReport { closed: 1, finished: 0, cut: 0 });
}

#[tokio::test]
async fn dropping_the_server_cuts_its_connections() {
    let mut server = Running::start(Limits::default());
    let mut client = server.connect_waiting().await;
    let stats = server.stats.clone();
    assert_eq!(stats.connections(), 1);
    drop(server);
    client.gone().await;
    assert_eq!((stats.connections(), stats.requests()), (0, 0));
}

/// The task of a connection hears of the drain, whatever its request has made of its turn.
#[tokio::test]
async fn a_connection_is_drained_whose_first_request_used_up_its_turn() {
    let grace = Duration::from_millis(20);
    let mut server = Running::start(Limits { drain_grace: grace, ..Limits::default() });
    let mut client = server.connect().await;
    client.get("/turn").await;
    assert_eq!(client.answer().await.body, "its turn is over");
    server.stop(LONG).await;
    client.ended().await;
    assert_eq!(server.report().await, DrainReport { closed: 1, finished: 0, cut: 0 });
}
