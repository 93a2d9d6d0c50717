use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use axum::extract::FromRequestParts;
use futures_util::Stream;
use http::request::Parts;
use pin_project_lite::pin_project;
use purlin::clock::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Tracker;

/// Tells a handler when the server begins to drain, so that what it streams can come to an end.
///
/// It is an extractor; see [`stream`](crate::stream) for what happens at a stop. A handler whose
/// answer is short does not need it.
/// ```
/// use futures_util::{StreamExt, stream};
/// use purlin_http::stream::Drain;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let drain = Drain::new();
/// let mut numbers = drain.end(stream::iter(1..));
/// assert_eq!(numbers.next().await, Some(1));
///
/// drain.begin();
/// assert_eq!(numbers.next().await, None);
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Drain {
    begun: CancellationToken,
    /// The server is gone.
    cut: CancellationToken,
    books: Arc<Mutex<Books>>,
}

/// The streams that are open, and those and the requests that were cut. A stream is in one of the two,
/// or over.
#[derive(Default)]
struct Books {
    until: Option<Instant>,
    open: BTreeMap<Arc<str>, u64>,
    cut: BTreeMap<Arc<str>, u64>,
}

pin_project! {
    /// A stream that ends when the server begins to drain; see [`Drain::end`].
    pub struct UntilDrain<S> {
        #[pin]
        inner: S,
        begun: Pin<Box<WaitForCancellationFutureOwned>>,
    }
}

// === impl Drain ===

impl Drain {
    /// A drain that has not begun. [`HttpModule`](crate::HttpModule) makes one for its server.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins it, once and for all clones.
    pub fn begin(&self) {
        self.begun.cancel();
    }

    /// Begins it, and says when the server stops waiting.
    pub(crate) fn begin_until(&self, deadline: Instant) {
        self.books().until = Some(deadline);
        self.begin();
    }

    /// Ends what has not ended: the server is gone.
    pub(crate) fn end_all(&self) {
        self.cut.cancel();
    }

    /// Waits until the server is gone.
    pub(crate) fn cut(&self) -> impl Future<Output = ()> + Send + use<> {
        self.cut.clone().cancelled_owned()
    }

    /// Whether the server has stopped waiting.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.cut.is_cancelled() || self.books().until.is_some_and(|until| until <= now)
    }

    /// The routes of requests that got no answer and of streams that did not end by themselves, for
    /// the stop report: `/events ×2`.
    pub(crate) fn unfinished(&self) -> Option<String> {
        let books = self.books();
        let mut unfinished = books.cut.clone();
        for (route, count) in &books.open {
            *unfinished.entry(route.clone()).or_default() += count;
        }
        let routes = unfinished.iter().map(|(route, count)| match count {
            1 => route.to_string(),
            _ => format!("{route} ×{count}"),
        });
        Some(routes.collect::<Vec<_>>().join(", ")).filter(|routes| !routes.is_empty())
    }

    pub(super) fn opened(&self, route: &Arc<str>) {
        *self.books().open.entry(route.clone()).or_default() += 1;
    }

    pub(super) fn closed(&self, route: &Arc<str>, cut: bool) {
        let mut books = self.books();
        if let Some(count) = books.open.get_mut(route) {
            *count -= 1;
        }
        books.open.retain(|_, count| *count > 0);
        if cut {
            books.note_cut(route);
        }
    }

    /// Notes a request that was cut.
    pub(super) fn unanswered(&self, route: &Arc<str>) {
        self.books().note_cut(route);
    }

    /// How many streams of each route are open.
    pub(super) fn open(&self) -> BTreeMap<Arc<str>, u64> {
        self.books().open.clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// Waits until it begins.
    pub fn begun(&self) -> impl Future<Output = ()> + Send + use<> {
        self.begun.clone().cancelled_owned()
    }

    /// The stream, until it begins.
    pub fn end<S: Stream>(&self, stream: S) -> UntilDrain<S> {
        UntilDrain { inner: stream, begun: Box::pin(self.begun.clone().cancelled_owned()) }
    }
}

/// A service that nobody drains, such as one in a test without a server, has one that never begins.
impl<S: Sync> FromRequestParts<S> for Drain {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts
            .extensions
            .get()
            .map(|it: &Tracker| it.streams.drain().clone())
            .unwrap_or_default())
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("has_begun", &self.has_begun()).finish()
    }
}

// === impl Books ===

impl Books {
    fn note_cut(&mut self, route: &Arc<str>) {
        *self.cut.entry(route.clone()).or_default() += 1;
    }
}

// === impl UntilDrain ===

impl<S: Stream> Stream for UntilDrain<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        if this.begun.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        this.inner.poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.inner.size_hint().1)
    }
}

impl<S: fmt::Debug> fmt::Debug for UntilDrain<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UntilDrain").field(&self.inner).finish()
    }
}
