//! A connection from its first byte to its last, as a stranger may write it.

use std::{convert::Infallible, net::SocketAddr, sync::LazyLock, time::Duration};

use axum::{
    body::Body,
    http::{Method, Request, Response, StatusCode},
};
use purlin_core::clock::{Clock, Instant};
use purlin_serve::{Cut, DrainReport, Limits, Listener, RequestBody, Server, Stats};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::{Builder, Runtime},
    task::{JoinSet, yield_now},
};
use tower::service_fn;

use crate::wire::pieces;

/// A server with HTTP/1 and HTTP/2.
struct Served {
    runtime: Runtime,
    addr: SocketAddr,
    stats: Stats,
    _task: JoinSet<std::io::Result<DrainReport>>,
}

/// Far more than an answer takes, and less than any patience of the server: a connection whose client
/// has said all it had to say ends by itself.
const DEADLINE: Duration = Duration::from_secs(8);

/// How HTTP/2 begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static SERVED: LazyLock<Served> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be built");
    let within = runtime.enter();
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)));
    let listener = listener.expect("there is a free port");
    let limits = Limits { max_body_bytes: 1024, max_header_bytes: 8192, ..Limits::default() };
    let server = Server::new(listener, service_fn(read), Clock::system()).limits(limits);
    let (addr, stats) = (server.local_addr(), server.stats());
    let mut task = JoinSet::new();
    task.spawn(server.run(std::future::pending::<Instant>()));
    drop(within);
    Served { runtime, addr, stats, _task: task }
});

/// Whatever comes, however it is cut into reads: nobody panics, every answer is one of HTTP, and when
/// nothing more comes the connection ends.
pub fn connection(data: &[u8]) {
    let Some((seed, bytes)) = data.split_first() else { return };
    let (answer, is_whole) = SERVED.answer(*seed, bytes);
    if bytes.starts_with(PREFACE) {
        http2(&answer, is_whole);
    } else {
        http1(&answer, is_whole);
    }
    assert_eq!(SERVED.stats.cut(Cut::Panicked), 0, "a connection was lost to a panic");
}

/// Reads the body, and says in the status what became of it: no answer has a body.
async fn read(request: Request<RequestBody>) -> Result<Response<Body>, Infallible> {
    let status = match *request.method() {
        // Otherwise what follows would be another protocol.
        Method::CONNECT => StatusCode::METHOD_NOT_ALLOWED,
        _ => match request.into_body().bytes().await {
            Ok(_) => StatusCode::OK,
            Err(error) => error.status(),
        },
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    Ok(response)
}

/// Heads without bodies, one after the other.
fn http1(mut answer: &[u8], is_whole: bool) {
    while !answer.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 16];
        let mut head = httparse::Response::new(&mut fields);
        let read = head.parse(answer).expect("an answer is one of HTTP");
        if read.is_partial() {
            assert!(!is_whole, "an answer is cut off");
            return;
        }
        let status = head.code.expect("a whole head has a status");
        assert!(matches!(status, 100 | 200 | 400..=499), "{status}");
        for field in &*head.headers {
            let says_of_body = field.name.eq_ignore_ascii_case("content-length");
            assert!(!says_of_body || field.value == b"0", "there is no body");
            assert!(!field.name.eq_ignore_ascii_case("transfer-encoding"), "there is no body");
        }
        answer = &answer[read.unwrap()..];
    }
}

/// Frames, of which the first is of settings.
fn http2(mut answer: &[u8], is_whole: bool) {
    const SETTINGS: u8 = 4;
    assert!(answer.get(3).is_none_or(|kind| *kind == SETTINGS), "the preface is missing");
    while !answer.is_empty() {
        let frame = answer.split_first_chunk::<9>().and_then(|([a, b, c, ..], rest)| {
            rest.split_at_checked(u32::from_be_bytes([0, *a, *b, *c]) as usize)
        });
        let Some((_, rest)) = frame else {
            assert!(!is_whole, "a frame is cut off");
            return;
        };
        answer = rest;
    }
}

// === impl Served ===

impl Served {
    /// Sends all of it, and returns what comes back, and whether the connection ended in order.
    fn answer(&self, seed: u8, bytes: &[u8]) -> (Vec<u8>, bool) {
        self.runtime.block_on(async {
            let mut tcp = TcpStream::connect(self.addr).await.expect("the server listens");
            tcp.set_nodelay(true).expect("it is connected");
            let (mut from, mut to) = tcp.split();
            let send = async {
                let mut pieces = pieces(seed, bytes).into_iter();
                let mut sent = 0;
                // The first ones come one by one, as far as that is for the sender to decide.
                for piece in pieces.by_ref().take(12) {
                    if to.write_all(piece).await.is_err() {
                        return;
                    }
                    sent += piece.len();
                    for _ in 0..3 {
                        yield_now().await;
                    }
                }
                if to.write_all(&bytes[sent..]).await.is_ok() {
                    let _ = to.shutdown().await;
                }
            };
            let mut answer = Vec::new();
            let talk = async { tokio::join!(send, from.read_to_end(&mut answer)).1.is_ok() };
            let ended = Clock::system().timeout(DEADLINE, talk).await;
            let is_whole = ended.expect("the connection does not hang");
            (answer, is_whole)
        })
    }
}
