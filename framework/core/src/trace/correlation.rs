use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;

use crate::entropy::Entropy;

/// The identifier of the request that is worked for, which joins log lines, problems and answers of
/// several services.
///
/// Unlike the trace it needs no telemetry, and a caller may choose it. A transport finds it or makes
/// it, and [runs](Self::scope) what follows with it; it goes along into tasks of the
/// [`Spawner`](crate::spawner::Spawner), and [`inject`](super::inject) sends it onward.
///
/// ```
/// # use std::collections::HashMap;
/// # use purlin_core::trace::{self, CorrelationId};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let id = CorrelationId::new("order-7").unwrap();
/// let headers = CorrelationId::scope(Some(id), async {
///     let mut headers = HashMap::new();
///     trace::inject(&mut headers);
///     headers
/// });
/// assert_eq!(headers.await[CorrelationId::HEADER], "order-7");
/// # });
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CorrelationId(Arc<str>);

pin_project! {
    /// A future that works for a request; from [`CorrelationId::scope`].
    #[derive(Debug)]
    pub struct Correlated<F> {
        #[pin]
        inner: TaskLocalFuture<Option<CorrelationId>, F>,
    }
}

tokio::task_local! {
    static CURRENT: Option<CorrelationId>;
}

/// The longest identifier that is kept.
const LONGEST: usize = 128;

// === impl CorrelationId ===

impl CorrelationId {
    /// The header that it comes and goes in.
    pub const HEADER: &'static str = "x-correlation-id";

    /// The identifier that a caller has chosen: 1 to 128 characters out of letters, digits and
    /// `-_.:/+=@`, since it goes into logs and headers. `None` for any other text.
    pub fn new(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte);
        let valid = (1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed);
        valid.then(|| Self(text.into()))
    }

    /// An identifier that nobody else has.
    pub fn random(entropy: &Entropy) -> Self {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        Self((&*entropy.uuid_v4().hyphenated().encode_lower(&mut text)).into())
    }

    /// The identifier of the request that is worked for here.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok().flatten()
    }

    /// Runs `future` for the request `id`, or for none.
    pub fn scope<F: Future>(id: Option<Self>, future: F) -> Correlated<F> {
        Correlated { inner: CURRENT.scope(id, future) }
    }

    /// Calls `act` for the request `id`, or for none: what [`scope`](Self::scope) is for a future.
    ///
    /// ```
    /// # use purlin_core::trace::CorrelationId;
    /// let id = CorrelationId::new("order-7");
    /// assert_eq!(CorrelationId::sync_scope(id.clone(), CorrelationId::current), id);
    /// ```
    pub fn sync_scope<T>(id: Option<Self>, act: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(id, act)
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for CorrelationId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Correlated ===

impl<F: Future> Future for Correlated<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().inner.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_identifiers_are_kept() {
        assert_eq!(CorrelationId::new("a-B_9.:/+=@").unwrap().as_str(), "a-B_9.:/+=@");
        for bad in ["", "a b", "a\"b", "{a}", "a,b", "a;b", "ä"] {
            assert_eq!(CorrelationId::new(bad), None, "{bad}");
        }
        assert!(CorrelationId::new(&"x".repeat(128)).is_some());
        assert!(CorrelationId::new(&"x".repeat(129)).is_none());
    }

    #[tokio::test]
    async fn it_is_there_inside_of_its_scope_alone() {
        let id = CorrelationId::new("c-1");
        let (before, inside) = CorrelationId::scope(id.clone(), async {
            let inside = CorrelationId::scope(None, async { CorrelationId::current() }).await;
            (CorrelationId::current(), inside)
        })
        .await;
        assert_eq!((before, inside), (id, None));
        assert_eq!(CorrelationId::current(), None);
    }
}
