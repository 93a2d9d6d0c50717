mod connection;
mod fault;
mod pipe;
mod port;

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use purlin_core::clock::Clock;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

pub use self::fault::{Fault, Way};
use self::{fault::Faults, port::Port};
use crate::stage::Stage;

/// A TCP proxy that breaks what goes through it, as networks do.
///
/// ```
/// # use std::{io::{Read as _, Write as _}, net::{TcpListener, TcpStream}};
/// use purlin_testing::{Fault, FaultProxy};
///
/// # let server = TcpListener::bind("127.0.0.1:0").unwrap();
/// # let address = server.local_addr().unwrap();
/// # std::thread::spawn(move || for stream in server.incoming() {
/// #     stream.unwrap().write_all(b"hello").unwrap();
/// # });
/// let proxy = FaultProxy::start(address);
/// let mut text = String::new();
/// TcpStream::connect(proxy.address()).unwrap().read_to_string(&mut text).unwrap();
/// assert_eq!(text, "hello");
///
/// proxy.set(Fault::CutAfter(2));
/// text.clear();
/// TcpStream::connect(proxy.address()).unwrap().read_to_string(&mut text).unwrap();
/// assert_eq!(text, "he");
///
/// proxy.heal();
/// assert_eq!(proxy.bytes(purlin_testing::Way::Down), 7);
/// ```
/// Point a client at [`address`](Self::address), and switch faults while it runs. A [`Fault`] holds
/// for connections that are open and for those to come, until it is replaced or
/// [healed](Self::heal). What has been handed to the kernel goes its way; each piece that the proxy
/// still holds goes by the fault of the moment.
///
/// The proxy has a thread of its own, and ends with all connections when it is dropped.
pub struct FaultProxy {
    site: Arc<Site>,
    address: SocketAddr,
    _stage: Stage,
}

/// What the proxy, its connections and the test share.
struct Site {
    upstream: SocketAddr,
    clock: Clock,
    faults: watch::Sender<Faults>,
    accepted: AtomicU64,
    open: AtomicUsize,
    up: AtomicU64,
    down: AtomicU64,
}

// === impl FaultProxy ===

impl FaultProxy {
    /// A proxy in front of `upstream`, on a free port.
    ///
    /// # Panics
    /// When this machine gives no port or no thread.
    pub fn start(upstream: SocketAddr) -> Self {
        Self::start_on(upstream, Clock::system())
    }

    /// A proxy whose delays, limits and pauses go by `clock`.
    ///
    /// # Panics
    /// When this machine gives no port or no thread.
    pub fn start_on(upstream: SocketAddr, clock: Clock) -> Self {
        let (port, listener) = Port::take().expect("a free port can be bound");
        let address = port.address();
        let site = Arc::new(Site {
            upstream,
            clock,
            faults: watch::Sender::default(),
            accepted: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
        });
        let play = {
            let site = site.clone();
            move || accept(site, port, listener)
        };
        Self { site, address, _stage: Stage::start("fault-proxy", play) }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// [`address`](Self::address), as the URL of an HTTP server.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on `fault` holds, both ways.
    pub fn set(&self, fault: Fault) {
        self.site.faults.send_modify(|faults| {
            faults.up = Some(fault);
            faults.down = Some(fault);
        });
    }

    /// From now on `fault` holds one way; the other way stays as it is.
    ///
    /// What closes connections closes them both ways.
    pub fn set_way(&self, way: Way, fault: Fault) {
        self.site.faults.send_modify(|faults| *faults.of_mut(way) = Some(fault));
    }

    /// From now on everything goes through.
    pub fn heal(&self) {
        self.site.faults.send_modify(|faults| (faults.up, faults.down) = (None, None));
    }

    /// Closes the connections that are open, once; those to come are none the worse.
    pub fn sever(&self) {
        self.site.faults.send_modify(|faults| faults.severed += 1);
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> u64 {
        self.site.accepted.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.site.open.load(Ordering::SeqCst)
    }

    /// How many bytes went through one way.
    pub fn bytes(&self, way: Way) -> u64 {
        self.site.counter(way).load(Ordering::SeqCst)
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy")
            .field("address", &self.address)
            .field("upstream", &self.site.upstream)
            .field("faults", &*self.site.faults.borrow())
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

// === impl Site ===

impl Site {
    fn counter(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }
}

async fn accept(site: Arc<Site>, port: Port, listener: std::net::TcpListener) {
    let mut faults = site.faults.subscribe();
    let mut connections = JoinSet::new();
    let mut next = Some(listener);
    loop {
        if faults.borrow().any(Fault::Refuse) {
            // What is bound but not accepted is connected all the same.
            next = None;
            let _ = faults.wait_for(|faults| !faults.any(Fault::Refuse)).await;
        }
        let listener = next.take().map_or_else(|| port.listen(), Ok);
        let listener = listener.and_then(TcpListener::from_std);
        let listener = listener.expect("a port that is held can be listened on");
        loop {
            tokio::select! {
                biased;
                _ = faults.wait_for(|faults| faults.any(Fault::Refuse)) => break,
                Some(_) = connections.join_next() => {}
                // An error here is that of a connection which has gone already.
                Ok((client, _)) = listener.accept() => {
                    site.accepted.fetch_add(1, Ordering::SeqCst);
                    connections.spawn(connection::serve(site.clone(), client));
                }
            }
        }
    }
}
