use std::{
    fmt, io,
    net::{SocketAddr, TcpListener},
};

use purlin_core::{config::Listen, init::Init};
use socket2::{Domain, Protocol, Socket, Type};

/// A bound TCP socket whose kernel queue already takes connections.
///
/// ```
/// # use purlin_serve::Listener;
/// let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
/// assert_ne!(listener.local_addr().port(), 0);
/// ```
///
/// It is bound outside of any runtime, so that an address that cannot be had fails the start before
/// anything else happens. `SO_REUSEADDR` is set: a restart need not wait for the connections of its
/// predecessor to leave `TIME_WAIT`.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    addr: SocketAddr,
    backlog: u32,
}

/// An address could not be listened on.
#[derive(Debug, thiserror::Error)]
pub struct BindError {
    addr: SocketAddr,
    source: io::Error,
}

/// The address that a setting names could not be listened on: what stands in the way, where it is
/// set, and what to change.
#[derive(Debug, thiserror::Error)]
#[error("{bind}\n  set        {key}{origin}\n  fix        {} (`{key}`)", bind.fix())]
pub struct ListenError {
    key: String,
    /// As it is shown: ` (app.yaml:2:3)`.
    origin: String,
    bind: BindError,
}

// === impl Listener ===

impl Listener {
    /// How many connections the kernel queues by default until they are accepted.
    pub const BACKLOG: u32 = 1024;

    /// Listens on `addr`; port 0 takes a free one.
    ///
    /// # Errors
    /// [`BindError`] says what stands in the way.
    pub fn bind(addr: SocketAddr) -> Result<Self, BindError> {
        Self::bind_with_backlog(addr, Self::BACKLOG)
    }

    /// Listens on `addr` with room for `backlog` connections that are not accepted yet. The kernel
    /// cuts it to `net.core.somaxconn`.
    ///
    /// # Errors
    /// As for [`bind`](Self::bind).
    pub fn bind_with_backlog(addr: SocketAddr, backlog: u32) -> Result<Self, BindError> {
        let open = || {
            let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
            socket.set_reuse_address(true)?;
            socket.set_nonblocking(true)?;
            socket.bind(&addr.into())?;
            socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
            let socket = TcpListener::from(socket);
            Ok(Self { addr: socket.local_addr()?, socket, backlog })
        };
        open().map_err(|source| BindError { addr, source })
    }

    /// Listens where a field of a module's section says.
    ///
    /// # Errors
    /// [`ListenError`], which names the setting and where it comes from.
    pub fn of_setting(cx: &Init, field: &str, listen: Listen) -> Result<Self, ListenError> {
        Self::bind(listen.addr()).map_err(|bind| ListenError {
            key: format!("{}.{field}", cx.section()),
            origin: cx.origin(field).map(|origin| format!(" ({origin})")).unwrap_or_default(),
            bind,
        })
    }

    /// The address that is listened on, with the port that the kernel chose if it was asked to.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn backlog(&self) -> u32 {
        self.backlog
    }

    pub(crate) fn into_tokio(self) -> io::Result<tokio::net::TcpListener> {
        tokio::net::TcpListener::from_std(self.socket)
    }
}

// === impl BindError ===

impl BindError {
    /// The address that was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What the operating system said.
    pub fn io(&self) -> &io::Error {
        &self.source
    }

    /// What to change.
    pub fn fix(&self) -> String {
        match self.source.kind() {
            io::ErrorKind::AddrInUse => format!(
                "stop its holder (`ss -ltnp 'sport = :{}'` shows it), or choose another port",
                self.addr.port()
            ),
            io::ErrorKind::PermissionDenied => "choose a port above 1023".to_owned(),
            io::ErrorKind::AddrNotAvailable => {
                "127.0.0.1 serves this machine alone, 0.0.0.0 every interface".to_owned()
            }
            _ => "choose another address".to_owned(),
        }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { addr, source } = self;
        match source.kind() {
            io::ErrorKind::AddrInUse => {
                write!(f, "address {addr} is in use, perhaps by another instance of this service")
            }
            io::ErrorKind::PermissionDenied => {
                write!(f, "address {addr} needs a privilege (CAP_NET_BIND_SERVICE)")
            }
            io::ErrorKind::AddrNotAvailable => {
                write!(f, "no interface of this machine has the address {}", addr.ip())
            }
            _ => write!(f, "address {addr} cannot be listened on: {source}"),
        }
    }
}

// === impl ListenError ===

impl ListenError {
    /// What stands in the way.
    pub fn bind_error(&self) -> &BindError {
        &self.bind
    }
}
