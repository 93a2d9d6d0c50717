use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use socket2::{Domain, Protocol, Socket, Type};

/// A port that stays ours while nobody listens on it.
///
/// A second socket is bound to it that never listens: connections are refused when the listener is
/// gone, and no other program is given the port meanwhile.
#[derive(Debug)]
pub(super) struct Port {
    address: SocketAddr,
    _held: Socket,
}

const BACKLOG: i32 = 1024;

// === impl Port ===

impl Port {
    /// Takes a free port, and listens on it.
    pub(super) fn take() -> io::Result<(Self, TcpListener)> {
        let held = bound((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = held.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let port = Self { address, _held: held };
        let listener = port.listen()?;
        Ok((port, listener))
    }

    /// Listens on it (again).
    pub(super) fn listen(&self) -> io::Result<TcpListener> {
        let socket = bound(self.address)?;
        socket.set_nonblocking(true)?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn bound(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
