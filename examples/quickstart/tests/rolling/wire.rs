//! HTTP/1.1 by hand: a client has to know how far a request had come when it failed.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A connection over which requests go one after the other.
pub(crate) struct Connection {
    tcp: TcpStream,
    received: Vec<u8>,
    /// It has brought a byte at some time.
    lives: bool,
}

/// The answer to a request.
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A request that did not get its answer.
pub(crate) struct Failure {
    /// The connection was reset before it had brought a byte.
    pub(crate) fresh: bool,
    pub(crate) why: String,
}

pub(crate) type Outcome<T> = Result<T, Failure>;

// === impl Connection ===

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Outcome<Self> {
        let tcp = TcpStream::connect(address).await.and_then(|tcp| {
            tcp.set_nodelay(true)?;
            Ok(tcp)
        });
        let tcp = tcp.map_err(|error| Failure {
            fresh: error.kind() == io::ErrorKind::ConnectionReset,
            why: format!("connect: {error}"),
        })?;
        Ok(Self { tcp, received: Vec::new(), lives: false })
    }

    pub(crate) fn into_tcp(self) -> TcpStream {
        self.tcp
    }

    /// Sends a request with a body of JSON, or none, and takes its whole answer.
    pub(crate) async fn ask(&mut self, request: &str, body: &str) -> Outcome<Answer> {
        let answer = self.exchange(request, body).await;
        self.failed_at(request, answer)
    }

    /// Asks for a stream, and takes what comes until `is_enough`, or its end; whether it ended.
    pub(crate) async fn listen(
        &mut self,
        request: &str,
        is_enough: impl Fn(&[u8]) -> bool,
    ) -> Outcome<bool> {
        let listened = async {
            let head = self.head(request, "").await?;
            expect(head.starts_with("HTTP/1.1 200 OK\r\n"), &head)?;
            // The last chunk is empty; no event ends like that.
            while !self.received.ends_with(b"0\r\n\r\n") {
                if is_enough(&self.received) {
                    return Ok(false);
                }
                self.more().await?;
            }
            Ok(true)
        };
        let listened = listened.await;
        self.failed_at(request, listened)
    }

    async fn exchange(&mut self, request: &str, body: &str) -> io::Result<Answer> {
        let head = self.head(request, body).await?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or_default();
        while self.received.len() < length {
            self.more().await?;
        }
        let body = self.received.drain(..length).collect();
        Ok(Answer { head, body })
    }

    /// Sends a request, and takes the head of its answer.
    async fn head(&mut self, request: &str, body: &str) -> io::Result<String> {
        let length = body.len();
        let request = format!(
            "{request} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        self.tcp.write_all(request.as_bytes()).await?;
        loop {
            let end = self.received.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                let head = self.received.drain(..end + 4).collect();
                return String::from_utf8(head).map_err(io::Error::other);
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.tcp.read_buf(&mut self.received).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => {
                self.lives = true;
                Ok(())
            }
        }
    }

    fn failed_at<T>(&self, request: &str, outcome: io::Result<T>) -> Outcome<T> {
        outcome.map_err(|error| {
            let received = String::from_utf8_lossy(&self.received);
            let reset = error.kind() == io::ErrorKind::ConnectionReset;
            Failure {
                fresh: reset && !self.lives,
                why: format!("{request}: {error} after `{received}`"),
            }
        })
    }
}

fn expect(holds: bool, said: &str) -> io::Result<()> {
    holds.then_some(()).ok_or_else(|| io::Error::other(said.to_owned()))
}

// === impl Failure ===

impl Failure {
    pub(crate) fn new(why: String) -> Self {
        Self { fresh: false, why }
    }
}

// === impl Answer ===

impl Answer {
    /// Fails unless it has this status.
    pub(crate) fn expect(self, status: &str) -> Outcome<Self> {
        if self.head.starts_with(&format!("HTTP/1.1 {status} ")) {
            return Ok(self);
        }
        let body = String::from_utf8_lossy(&self.body);
        Err(Failure::new(format!("not {status}: {}{body}", self.head)))
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}
