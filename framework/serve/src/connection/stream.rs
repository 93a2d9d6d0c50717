use std::{
    convert::Infallible,
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use purlin_core::clock::Clock;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::oneshot,
};

use super::Track;

/// How long a closed connection still takes what its client sends.
const LINGER: Duration = Duration::from_secs(1);

/// The bytes of a connection: tells its [`Track`] of them, lingers when it is closed, and fails
/// when the connection's task is gone, whoever holds it.
pub(super) struct Stream<T> {
    inner: T,
    track: Arc<Track>,
    clock: Clock,
    owner: oneshot::Sender<Infallible>,
    linger: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

// === impl Stream ===

impl<T: AsyncRead + AsyncWrite + Unpin> Stream<T> {
    pub(super) fn new(
        inner: T,
        track: Arc<Track>,
        clock: Clock,
        owner: oneshot::Sender<Infallible>,
    ) -> Self {
        Self { inner, track, clock, owner, linger: None }
    }

    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(1..)) = written {
            self.track.wrote();
        }
        written
    }

    /// Reads and forgets until the client closes too.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.inner).poll_read(cx, buf) {
            Poll::Pending => {
                ready!(self.owner.poll_closed(cx));
                Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
            }
            Poll::Ready(result) => {
                if buf.filled().len() > before {
                    self.track.read();
                }
                Poll::Ready(result)
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    /// Closes the writing half and, where the client may still be sending, lingers (RFC 9112, 9.6):
    /// bytes that meet a closed socket make the kernel reset the connection, and the reset takes a
    /// response away that the client has not read yet, such as the 413 that explains the close.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
            if !self.track.leaves_unread() {
                return Poll::Ready(Ok(()));
            }
            let clock = self.clock.clone();
            self.linger = Some(Box::pin(async move { clock.sleep(LINGER).await }));
        }
        // The timer comes first: a client that sends without a pause would use up the task's turn.
        let linger = self.linger.as_mut().expect("it was set above");
        if linger.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        self.poll_discard(cx).map(Ok)
    }
}
