use std::{
    fmt, io,
    net::{SocketAddr, TcpListener},
};

use purlin_core::{config::Listen, init::Init};
use socket2::{Domain, Protocol, Socket, Type};

/// Bound TCP sockets whose kernel queues already take connections.
///
/// ```
/// # use purlin_serve::Listener;
/// let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
/// assert_ne!(listener.local_addr().port(), 0);
/// ```
///
/// They are bound outside of any runtime, so that an address that cannot be had fails the start
/// before anything else happens. `SO_REUSEADDR` is set: a restart need not wait for the connections
/// of its predecessor to leave `TIME_WAIT`.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    addr: SocketAddr,
    backlog: u32,
}

/// How an address is listened on.
///
/// ```
/// # use purlin_serve::{Listener, Listening};
/// let listening = Listening { accept_loops: 2, ..Listening::default() };
/// let listener = Listener::bind_with("127.0.0.1:0".parse().unwrap(), &listening).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// How many connections the kernel queues until they are accepted, for each accept loop; 1024
    /// by default. The kernel cuts it to `net.core.somaxconn`.
    pub backlog: u32,
    /// How many sockets share the address, each with an accept loop of its own; 1 by default.
    ///
    /// The kernel spreads new connections over them (`SO_REUSEPORT`). It does so on Linux; elsewhere
    /// there is one, whatever is asked for.
    pub accept_loops: usize,
    /// Whether other processes of the same user may listen on the address too, if they ask for the
    /// same; false by default.
    ///
    /// With it a new instance starts beside the old one before that stops, on one port. Without it
    /// an address that is in use is an error, as a rule that of an instance that was forgotten.
    pub reuse_port: bool,
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

/// Since when others may bind the address of a socket too.
///
/// To bind without it and listen with it finds the address free and takes it, and lets the sockets
/// of our own other loops join: with it from the start, an instance that was forgotten would not be
/// noticed, and would take half of the connections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Never,
    FromListen,
    FromBind,
}

// === impl Listener ===

impl Listener {
    /// Listens on `addr` with one socket; port 0 takes a free one.
    ///
    /// # Errors
    /// [`BindError`] says what stands in the way.
    pub fn bind(addr: SocketAddr) -> Result<Self, BindError> {
        Self::bind_with(addr, &Listening::default())
    }

    /// Listens on `addr` as asked for.
    ///
    /// # Errors
    /// As for [`bind`](Self::bind).
    pub fn bind_with(addr: SocketAddr, listening: &Listening) -> Result<Self, BindError> {
        let error = |source| BindError { addr, source };
        let loops = if cfg!(target_os = "linux") { listening.accept_loops.max(1) } else { 1 };
        let first = listening.open(addr, Sharing::first(loops, listening)).map_err(error)?;
        // Port 0 has become a number, which the others share.
        let addr = first.local_addr().map_err(error)?;
        let others = (1..loops).map(|_| listening.open(addr, Sharing::FromBind));
        let sockets = std::iter::once(Ok(first)).chain(others).collect::<io::Result<_>>();
        Ok(Self { sockets: sockets.map_err(error)?, addr, backlog: listening.backlog })
    }

    /// Listens where a field of a module's section says.
    ///
    /// # Errors
    /// [`ListenError`], which names the setting and where it comes from.
    pub fn of_setting(
        cx: &Init,
        field: &str,
        listen: Listen,
        listening: &Listening,
    ) -> Result<Self, ListenError> {
        Self::bind_with(listen.addr(), listening).map_err(|bind| ListenError {
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

    pub(crate) fn into_sockets(self) -> Vec<TcpListener> {
        self.sockets
    }
}

// === impl Listening ===

impl Listening {
    fn open(&self, addr: SocketAddr, sharing: Sharing) -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        if sharing == Sharing::FromBind {
            socket.set_reuse_port(true)?;
        }
        socket.bind(&addr.into())?;
        if sharing == Sharing::FromListen {
            socket.set_reuse_port(true)?;
        }
        socket.listen(i32::try_from(self.backlog).unwrap_or(i32::MAX))?;
        Ok(socket.into())
    }
}

impl Default for Listening {
    fn default() -> Self {
        Self { backlog: 1024, accept_loops: 1, reuse_port: false }
    }
}

// === impl Sharing ===

impl Sharing {
    fn first(loops: usize, listening: &Listening) -> Self {
        match listening.reuse_port {
            true => Self::FromBind,
            false if loops > 1 => Self::FromListen,
            false => Self::Never,
        }
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
