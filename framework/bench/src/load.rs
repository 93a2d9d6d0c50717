//! The load: requests over a fixed number of connections, from one thread.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet, yield_now};

/// A kind of request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// `GET /hello`: five bytes of text.
    Hello,
    /// `POST /json`: an order is decoded and encoded again.
    Json,
}

/// A connection, and what drives it.
struct Connection {
    requests: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
    address: SocketAddr,
    work: Work,
}

const ORDER: &[u8] = br#"{"id":42,"customer":"ada","items":["beam","purlin"],"total":12.5}"#;

// === impl Work ===

impl Work {
    fn request(self, address: SocketAddr) -> Result<Request<Full<Bytes>>> {
        let request = Request::builder().header(header::HOST, address.to_string());
        let request = match self {
            Self::Hello => request.uri("/hello").body(Full::default()),
            Self::Json => request
                .method(Method::POST)
                .uri("/json")
                .header(header::CONTENT_TYPE, "application/json")
                .body(Full::from(ORDER)),
        };
        request.context("could not make a request")
    }

    /// Whether an answer is what was asked for, but for the order's spacing and line end.
    fn is_answered_by(self, body: &[u8]) -> bool {
        match self {
            Self::Hello => body == b"hello",
            Self::Json => body.trim_ascii_end() == ORDER,
        }
    }
}

// === impl Connection ===

impl Connection {
    #[expect(clippy::disallowed_methods, reason = "the task ends with the connection")]
    async fn open(address: SocketAddr, work: Work) -> Result<Self> {
        let tcp = TcpStream::connect(address).await.context("could not connect")?;
        tcp.set_nodelay(true).context("could not set TCP_NODELAY")?;
        let (requests, connection) = handshake(TokioIo::new(tcp)).await?;
        // What goes wrong, the next request says.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { requests, driver, address, work })
    }

    async fn ask(&mut self) -> Result<()> {
        let answer = self.requests.send_request(self.work.request(self.address)?).await;
        let (head, body) = answer.context("a request failed")?.into_parts();
        let body = body.collect().await.context("an answer broke off")?.to_bytes();
        ensure!(
            head.status == 200 && self.work.is_answered_by(&body),
            "a request was answered with {} {}",
            head.status,
            String::from_utf8_lossy(&body)
        );
        Ok(())
    }

    /// Closes it, and waits until it is closed.
    async fn close(self) {
        drop(self.requests);
        drop(self.driver.await);
    }
}

/// Sends `requests` one after the other, `per_connection` of them on each connection.
pub(crate) async fn one_by_one(
    address: SocketAddr,
    work: Work,
    requests: u64,
    per_connection: u64,
) -> Result<()> {
    let mut left = requests;
    while left > 0 {
        let mut connection = Connection::open(address, work).await?;
        let now = left.min(per_connection);
        for _ in 0..now {
            connection.ask().await?;
        }
        connection.close().await;
        left -= now;
    }
    Ok(())
}

/// Sends one request after the other on each of `connections`, for a time, each connection being
/// replaced after `per_connection` requests; returns how many were answered.
pub(crate) async fn closed_loop(
    address: SocketAddr,
    work: Work,
    connections: u32,
    per_connection: u64,
    lasts: Duration,
) -> Result<u64> {
    let until = Instant::now() + lasts;
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        workers.spawn(async move {
            let mut answered = 0;
            while Instant::now() < until {
                let mut connection = Connection::open(address, work).await?;
                for _ in 0..per_connection {
                    if Instant::now() >= until {
                        break;
                    }
                    connection.ask().await?;
                    answered += 1;
                }
                connection.close().await;
            }
            anyhow::Ok(answered)
        });
    }
    let mut all = 0;
    while let Some(ended) = workers.join_next().await {
        all += ended.context("a worker panicked")??;
    }
    Ok(all)
}

/// Sends requests at a fixed rate, whether or not those before are answered, and returns how long
/// each took from the moment at which it was due. So a server that stops for a while pays for every
/// request that was due meanwhile, and not for the one alone that it kept waiting.
pub(crate) async fn open_loop(
    address: SocketAddr,
    work: Work,
    connections: u32,
    per_second: u32,
    lasts: Duration,
) -> Result<Vec<Duration>> {
    let every = Duration::from_secs(1) * connections / per_second;
    let begin = Instant::now() + Duration::from_millis(20);
    let mut workers = JoinSet::new();
    for number in 0..connections {
        workers.spawn(async move {
            let mut connection = Connection::open(address, work).await?;
            let mut took = Vec::new();
            let mut due = begin + every * number / connections;
            while due < begin + lasts {
                // The timers of the runtime have a millisecond; what is measured has microseconds.
                while Instant::now() < due {
                    yield_now().await;
                }
                connection.ask().await?;
                took.push(due.elapsed());
                due += every;
            }
            connection.close().await;
            anyhow::Ok(took)
        });
    }
    let mut all = Vec::new();
    while let Some(ended) = workers.join_next().await {
        all.extend(ended.context("a worker panicked")??);
    }
    Ok(all)
}
