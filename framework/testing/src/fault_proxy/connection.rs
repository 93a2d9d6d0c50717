use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{net::TcpStream, sync::watch};

use super::{
    Site,
    fault::{Fault, Faults, Way},
    pipe::pipe,
};

/// How a connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Close,
    Reset,
}

/// Counts a connection for as long as it is open.
struct Open<'a>(&'a AtomicUsize);

/// Takes a client to the upstream and back, until either closes or a fault closes both.
pub(super) async fn serve(site: Arc<Site>, mut client: TcpStream) {
    let _open = Open::enter(&site.open);
    let ended = ended(site.faults.subscribe());
    tokio::pin!(ended);
    let server = tokio::select! {
        biased;
        end = &mut ended => Err(end),
        // Whoever connects through a proxy has been accepted when the upstream refuses.
        server = connect(&site) => server.map_err(|_| End::Reset),
    };
    let mut server = match server {
        Ok(server) => server,
        Err(end) => return end.of([client]),
    };
    let end = tokio::select! {
        biased;
        end = &mut ended => end,
        copied = copy(&mut client, &mut server, &site) => match copied {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => End::Reset,
            _ => End::Close,
        }
    };
    end.of([client, server]);
}

async fn connect(site: &Site) -> io::Result<TcpStream> {
    let mut faults = site.faults.subscribe();
    let _ = faults.wait_for(|faults| !faults.is_silent()).await;
    TcpStream::connect(site.upstream).await
}

async fn copy(client: &mut TcpStream, server: &mut TcpStream, site: &Site) -> io::Result<()> {
    // So that a piece of the proxy is a piece on the wire.
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    tokio::try_join!(
        pipe(from_client, to_server, Way::Up, site),
        pipe(from_server, to_client, Way::Down, site),
    )?;
    Ok(())
}

/// Waits for a fault that closes connections.
async fn ended(mut faults: watch::Receiver<Faults>) -> End {
    let born = faults.borrow().severed;
    let closes = |faults: &Faults| faults.closes() || faults.severed != born;
    match faults.wait_for(closes).await {
        Ok(faults) if faults.any(Fault::Reset) => End::Reset,
        _ => End::Close,
    }
}

// === impl End ===

impl End {
    fn of<const N: usize>(self, streams: [TcpStream; N]) {
        if self == Self::Reset {
            for stream in &streams {
                // Where it fails the peer has closed the connection already.
                let _ = stream.set_zero_linger();
            }
        }
    }
}

// === impl Open ===

impl<'a> Open<'a> {
    fn enter(open: &'a AtomicUsize) -> Self {
        open.fetch_add(1, Ordering::SeqCst);
        Self(open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
