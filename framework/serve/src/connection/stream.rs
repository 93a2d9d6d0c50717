use std::{
    convert::Infallible,
    future::{Future, poll_fn},
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

use super::{Track, frames::Frames};

/// How long a closed connection still takes what its client sends.
const LINGER: Duration = Duration::from_secs(1);

/// How every connection of HTTP/2 begins (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const TIMED_OUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// The bytes of a connection: tells its [`Track`] of them, lingers when it is closed, and fails
/// when the connection's task is gone, whoever holds it.
pub(super) struct Stream<T> {
    inner: T,
    track: Arc<Track>,
    clock: Clock,
    owner: oneshot::Sender<Infallible>,
    /// What was read to find out which HTTP it is, and is still to be read by whoever speaks it.
    first: First,
    frames: Option<Frames>,
    linger: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

#[derive(Default)]
struct First {
    bytes: [u8; PREFACE.len()],
    filled: usize,
    taken: usize,
}

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http2,
}

// === impl Stream ===

impl<T: AsyncRead + AsyncWrite + Unpin> Stream<T> {
    pub(super) fn new(
        inner: T,
        track: Arc<Track>,
        clock: Clock,
        owner: oneshot::Sender<Infallible>,
    ) -> Self {
        let first = First::default();
        Self { inner, track, clock, owner, first, frames: None, linger: None }
    }

    /// Reads until it is clear which HTTP the client speaks: the bytes remain to be read.
    pub(super) async fn sniff(&mut self) -> io::Result<Spoken> {
        poll_fn(|cx| self.poll_sniff(cx)).await
    }

    fn poll_sniff(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Spoken>> {
        let First { bytes, filled, .. } = &mut self.first;
        while *filled < PREFACE.len() {
            let mut buf = ReadBuf::new(&mut bytes[*filled..]);
            ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buf))?;
            let read = buf.filled();
            if !read.is_empty() {
                self.track.read(read);
            }
            if read.is_empty() || !PREFACE[*filled..].starts_with(read) {
                *filled += read.len();
                return Poll::Ready(Ok(Spoken::Http1));
            }
            *filled += read.len();
        }
        self.frames = Some(Frames::default());
        self.track.speaks_http2();
        Poll::Ready(Ok(Spoken::Http2))
    }

    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes @ 1..)) => self.track.wrote(bytes),
            Poll::Pending => self.track.block_write(),
            Poll::Ready(_) => {}
        }
        written
    }

    /// Says that the head took too long; at once or not at all.
    ///
    /// Hyper reads a head when all of the response before it has been written, so that this does
    /// not end up within one.
    fn time_out(&mut self, cx: &mut Context<'_>) -> io::Error {
        if let Poll::Ready(Ok(_)) = Pin::new(&mut self.inner).poll_write(cx, TIMED_OUT) {
            let _ = Pin::new(&mut self.inner).poll_flush(cx);
        }
        io::ErrorKind::TimedOut.into()
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
        let this = &mut *self;
        if this.first.is_left() {
            this.first.put(buf);
            return Poll::Ready(Ok(()));
        }
        if this.track.is_expired() {
            return Poll::Ready(Err(this.time_out(cx)));
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.inner).poll_read(cx, buf) {
            // Until then it is the connection's task that asks.
            Poll::Pending if !this.track.may_be_upgraded() => Poll::Pending,
            Poll::Pending => {
                ready!(this.owner.poll_closed(cx));
                Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
            }
            Poll::Ready(result) => {
                let read = &buf.filled()[before..];
                match &mut this.frames {
                    _ if read.is_empty() => {}
                    None => this.track.read(read),
                    Some(frames) => this.track.read_frames(frames, read),
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

// === impl First ===

impl First {
    fn is_left(&self) -> bool {
        self.taken < self.filled
    }

    /// Hands out what is left of the first bytes.
    fn put(&mut self, buf: &mut ReadBuf<'_>) {
        let left = &self.bytes[self.taken..self.filled];
        let put = left.len().min(buf.remaining());
        buf.put_slice(&left[..put]);
        self.taken += put;
    }
}
