//! Whether a service answers yet.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What a look at a service shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// Nobody listens.
    Refused,
    NotYet,
    Yes,
}

/// After which an answer is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks for `path` on a connection of its own: 200 is ready.
pub(crate) fn ready(address: SocketAddr, path: &str) -> Ready {
    let Ok(mut stream) = TcpStream::connect(address) else { return Ready::Refused };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut answer = Vec::new();
    let asked = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| {
        stream.write_all(request.as_bytes())?;
        stream.read_to_end(&mut answer)
    });
    if asked.is_ok() && answer.starts_with(b"HTTP/1.1 200 ") { Ready::Yes } else { Ready::NotYet }
}
