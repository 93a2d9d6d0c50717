use std::{io, sync::atomic::Ordering};

use bytes::Bytes;
use purlin_core::clock::Instant;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::tcp::{ReadHalf, WriteHalf},
    sync::{mpsc, watch},
};

use super::{
    Site,
    fault::{Fault, Faults, Pace, Past, Way},
};

/// Bytes that were read at once.
struct Chunk {
    bytes: Bytes,
    arrived: Instant,
}

/// The most bytes that are read at once.
const CHUNK: usize = 16 * 1024;

/// The chunks that are on their way, so that a delay holds up nothing but itself.
const ON_THE_WAY: usize = 64;

/// Takes bytes one way, by the fault of the moment, until their source ends.
pub(super) async fn pipe(
    from: ReadHalf<'_>,
    to: WriteHalf<'_>,
    way: Way,
    site: &Site,
) -> io::Result<()> {
    let (chunks, arriving) = mpsc::channel(ON_THE_WAY);
    tokio::try_join!(read(from, chunks, way, site), write(to, arriving, way, site))?;
    Ok(())
}

async fn read(
    mut from: ReadHalf<'_>,
    chunks: mpsc::Sender<Chunk>,
    way: Way,
    site: &Site,
) -> io::Result<()> {
    let mut faults = site.faults.subscribe();
    let mut buffer = vec![0; CHUNK];
    loop {
        let silent = faults.borrow_and_update().of(way) == Some(Fault::HalfOpen);
        let length = tokio::select! {
            biased;
            changed = faults.changed() => {
                changed.map_err(|_| gone())?;
                continue;
            }
            length = from.read(&mut buffer), if !silent => length?,
        };
        if length == 0 {
            return Ok(());
        }
        let bytes = Bytes::copy_from_slice(&buffer[..length]);
        let chunk = Chunk { bytes, arrived: site.clock.now() };
        chunks.send(chunk).await.map_err(|_| gone())?;
    }
}

async fn write(
    mut to: WriteHalf<'_>,
    mut arriving: mpsc::Receiver<Chunk>,
    way: Way,
    site: &Site,
) -> io::Result<()> {
    let mut faults = site.faults.subscribe();
    let mut past = Past { arrived: Instant::START, written: Instant::START, passed: 0 };
    while let Some(Chunk { mut bytes, arrived }) = arriving.recv().await {
        past.arrived = arrived;
        while !bytes.is_empty() {
            let taken = turn(&mut faults, bytes.len(), past, way, site).await?;
            let piece = bytes.split_to(taken);
            let taken = u64::try_from(taken).unwrap_or(u64::MAX);
            // Before it is written: who has read a byte finds it counted.
            site.counter(way).fetch_add(taken, Ordering::SeqCst);
            to.write_all(&piece).await?;
            past.written = site.clock.now();
            past.passed += taken;
        }
    }
    to.shutdown().await
}

/// Waits until the next bytes may go on, and tells how many.
async fn turn(
    faults: &mut watch::Receiver<Faults>,
    ready: usize,
    past: Past,
    way: Way,
    site: &Site,
) -> io::Result<usize> {
    loop {
        let fault = faults.borrow_and_update().of(way);
        let Pace::Pass { bytes, due } = Fault::pace(fault, ready, past) else {
            return Err(gone());
        };
        if due <= site.clock.now() {
            return Ok(bytes);
        }
        tokio::select! {
            changed = faults.changed() => changed.map_err(|_| gone())?,
            () = site.clock.sleep_until(due) => return Ok(bytes),
        }
    }
}

fn gone() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}
