use std::time::Duration;

use purlin::clock::Clock;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A connection that is kept.
pub(crate) struct Client(TcpStream);

/// Waits for `future`, but not for ever.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    Clock::system().timeout(Duration::from_secs(60), future).await.expect("it ends in time")
}

// === impl Client ===

impl Client {
    pub(crate) async fn connect(address: &str) -> Self {
        let tcp = within(TcpStream::connect(address)).await.expect("a connection");
        tcp.set_nodelay(true).unwrap();
        Self(tcp)
    }

    /// Asks, and waits for the answer; the connection is to be kept.
    pub(crate) async fn ask(&mut self) {
        self.0.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.expect("it is open");
        let (mut answer, mut filled) = ([0; 512], 0);
        while !answer[..filled].ends_with(b"hello") {
            let read = within(self.0.read(&mut answer[filled..])).await.expect("it is open");
            assert_ne!(read, 0, "it ended within an answer");
            filled += read;
        }
        let answer = String::from_utf8_lossy(&answer[..filled]).to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 200 ok\r\n"), "{answer}");
        assert!(!answer.contains("connection: close"), "{answer}");
    }

    /// Waits until the server closes it, without a reset.
    pub(crate) async fn closed_in_order(mut self) {
        let read = within(self.0.read(&mut [0; 1])).await;
        assert_eq!(read.expect("it is not reset"), 0, "the server sent something");
    }
}
