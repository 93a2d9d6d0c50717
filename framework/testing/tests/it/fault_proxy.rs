//! The fault proxy in front of a real server on loopback.

#![expect(clippy::unwrap_used, reason = "a fixture of tests fails by panicking")]

use std::{net::SocketAddr, time::Duration};

use purlin_core::clock::{Clock, Hand};
use purlin_testing::{Fault, FaultProxy, Way, eventually};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// Sends back what it gets.
struct Echo {
    address: SocketAddr,
    _connections: JoinSet<()>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut connections = JoinSet::new();
        connections.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                connections.spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                    let _ = to.shutdown().await;
                });
            }
        });
        Self { address, _connections: connections }
    }
}

async fn setup() -> (Echo, FaultProxy, Hand) {
    let (echo, (clock, hand)) = (Echo::start().await, Clock::held());
    let proxy = FaultProxy::start_on(echo.address, clock);
    (echo, proxy, hand)
}

async fn connect(proxy: &FaultProxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

async fn echo(stream: &mut TcpStream, text: &str) -> std::io::Result<String> {
    stream.write_all(text.as_bytes()).await?;
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).await?;
    Ok(String::from_utf8(back).unwrap())
}

/// Reads what is there, and whatever comes until nothing does.
async fn read_some(stream: &mut TcpStream) -> String {
    let mut buffer = [0; 100];
    let length = stream.read(&mut buffer).await.unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[tokio::test]
async fn without_a_fault_everything_goes_through_and_is_counted() {
    let (_echo, proxy, _) = setup().await;
    let mut stream = connect(&proxy).await;
    assert_eq!(echo(&mut stream, "one").await.unwrap(), "one");
    assert_eq!((proxy.connections(), proxy.open()), (1, 1));
    assert_eq!((proxy.bytes(Way::Up), proxy.bytes(Way::Down)), (3, 3));

    // The end of one direction is no end of the other.
    stream.write_all(b"last words").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "last words");
    eventually(async || proxy.open() == 0).await;
}

#[tokio::test]
async fn much_goes_through_whole() {
    let (_echo, proxy, _) = setup().await;
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let (mut from, mut to) = connect(&proxy).await.into_split();
    let mut back = Vec::new();
    let sending = async {
        to.write_all(&sent).await.unwrap();
        to.shutdown().await.unwrap();
    };
    let (_, read) = tokio::join!(sending, from.read_to_end(&mut back));
    read.unwrap();
    assert!(sent == back, "{} of {} bytes came back", back.len(), sent.len());
}

#[tokio::test]
async fn a_cut_closes_what_is_open_and_what_comes() {
    let (_echo, proxy, _) = setup().await;
    let mut open = connect(&proxy).await;
    echo(&mut open, "one").await.unwrap();
    proxy.set(Fault::Cut);
    assert_eq!(open.read(&mut [0; 9]).await.unwrap(), 0);
    assert_eq!(connect(&proxy).await.read(&mut [0; 9]).await.unwrap(), 0);

    proxy.heal();
    assert_eq!(echo(&mut connect(&proxy).await, "two").await.unwrap(), "two");
    assert_eq!(proxy.connections(), 3);
}

#[tokio::test]
async fn a_reset_is_no_orderly_end() {
    let (_echo, proxy, _) = setup().await;
    let mut open = connect(&proxy).await;
    echo(&mut open, "one").await.unwrap();
    proxy.set(Fault::Reset);
    let error = open.read(&mut [0; 9]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_severed_connection_can_be_opened_again() {
    let (_echo, proxy, _) = setup().await;
    let mut open = connect(&proxy).await;
    echo(&mut open, "one").await.unwrap();
    proxy.sever();
    assert_eq!(open.read(&mut [0; 9]).await.unwrap(), 0);
    assert_eq!(echo(&mut connect(&proxy).await, "two").await.unwrap(), "two");
}

#[tokio::test]
async fn a_refused_port_is_the_same_port_later() {
    let (_echo, proxy, _) = setup().await;
    proxy.set(Fault::Refuse);
    eventually(async || TcpStream::connect(proxy.address()).await.is_err()).await;
    let error = TcpStream::connect(proxy.address()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);

    proxy.heal();
    eventually(async || TcpStream::connect(proxy.address()).await.is_ok()).await;
    assert_eq!(echo(&mut connect(&proxy).await, "one").await.unwrap(), "one");
}

#[tokio::test]
async fn a_half_open_connection_is_silent_until_it_is_healed() {
    let (_echo, proxy, _) = setup().await;
    let mut open = connect(&proxy).await;
    echo(&mut open, "one").await.unwrap();
    proxy.set(Fault::HalfOpen);
    let mut fresh = connect(&proxy).await;
    open.write_all(b"two").await.unwrap();
    fresh.write_all(b"three").await.unwrap();
    eventually(async || proxy.open() == 2).await;
    assert_eq!((proxy.bytes(Way::Up), proxy.bytes(Way::Down)), (3, 3));

    proxy.heal();
    assert_eq!(read_some(&mut open).await, "two");
    assert_eq!(read_some(&mut fresh).await, "three");
}

#[tokio::test]
async fn one_way_can_fail_alone() {
    let (_echo, proxy, _) = setup().await;
    let mut stream = connect(&proxy).await;
    proxy.set_way(Way::Down, Fault::HalfOpen);
    stream.write_all(b"one").await.unwrap();
    eventually(async || proxy.bytes(Way::Up) == 3).await;
    assert_eq!(proxy.bytes(Way::Down), 0);
    proxy.heal();
    assert_eq!(read_some(&mut stream).await, "one");
}

#[tokio::test]
async fn a_delay_holds_up_each_piece_by_itself() {
    let (_echo, proxy, hand) = setup().await;
    let mut stream = connect(&proxy).await;
    proxy.set_way(Way::Down, Fault::Delay(Duration::from_secs(2)));
    stream.write_all(b"one").await.unwrap();
    hand.sleepers(1).await;
    hand.advance(Duration::from_millis(1999));
    assert_eq!((proxy.bytes(Way::Up), proxy.bytes(Way::Down)), (3, 0));
    hand.advance(Duration::from_millis(1));
    assert_eq!(read_some(&mut stream).await, "one");
}

#[tokio::test]
async fn a_stream_is_sliced() {
    let (_echo, proxy, hand) = setup().await;
    let mut stream = connect(&proxy).await;
    proxy.set_way(Way::Down, Fault::Slice { bytes: 2, pause: Duration::from_secs(1) });
    stream.write_all(b"abcde").await.unwrap();
    for piece in ["ab", "cd", "e"] {
        hand.sleepers(1).await;
        hand.advance(Duration::from_secs(1));
        assert_eq!(read_some(&mut stream).await, piece);
    }
}

#[tokio::test]
async fn a_stream_is_limited() {
    let (_echo, proxy, hand) = setup().await;
    let mut stream = connect(&proxy).await;
    proxy.set_way(Way::Down, Fault::Limit(100));
    stream.write_all(&[7; 250]).await.unwrap();
    let mut elapsed = Duration::ZERO;
    for _ in 0..50 {
        hand.sleepers(1).await;
        elapsed += hand.advance_to_next().expect("it sleeps");
    }
    eventually(async || proxy.bytes(Way::Down) == 250).await;
    assert_eq!(elapsed, Duration::from_millis(2500));
}

#[tokio::test]
async fn an_answer_breaks_off_after_so_many_bytes() {
    let (_echo, proxy, _) = setup().await;
    let mut stream = connect(&proxy).await;
    proxy.set_way(Way::Down, Fault::CutAfter(4));
    stream.write_all(b"abcdef").await.unwrap();
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text).await;
    assert_eq!(text, "abcd");
    assert_eq!(proxy.bytes(Way::Down), 4);
}

#[tokio::test]
async fn a_switched_fault_holds_for_what_waits() {
    let (_echo, proxy, hand) = setup().await;
    let mut stream = connect(&proxy).await;
    proxy.set_way(Way::Down, Fault::Delay(Duration::from_secs(3600)));
    stream.write_all(b"one").await.unwrap();
    hand.sleepers(1).await;
    proxy.heal();
    assert_eq!(read_some(&mut stream).await, "one");
}

#[tokio::test]
async fn an_upstream_that_is_not_there_resets() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = FaultProxy::start(nobody);
    // The reset may come before the connection is even told to be there.
    let asking = async { TcpStream::connect(proxy.address()).await?.read(&mut [0; 9]).await };
    assert_eq!(asking.await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}
