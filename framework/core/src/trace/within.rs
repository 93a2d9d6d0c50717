use std::{future::Future, pin::Pin, task, task::Poll};

use opentelemetry::{Context, baggage::BaggageExt as _, trace::TraceContextExt as _};
use pin_project_lite::pin_project;

pin_project! {
    /// A future that works in a context; from [`within`].
    #[derive(Debug)]
    pub struct Within<F> {
        context: Option<Context>,
        // It ends in the context, too.
        #[pin]
        inner: Option<F>,
    }

    impl<F> PinnedDrop for Within<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _attached = this.context.take().map(Context::attach);
            this.inner.set(None);
        }
    }
}

/// Runs `future` in a context, such as the one that a caller [brought](super::extract): to it belongs
/// what is logged, and it is what is [sent onward](super::inject).
///
/// ```
/// # use purlin_core::trace::{self, Context, BaggageExt, KeyValue};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let brought = Context::new().with_baggage([KeyValue::new("tenant", "blue")]);
/// let tenant = trace::within(Some(brought), async {
///     Context::current().baggage().get("tenant").cloned()
/// });
/// assert_eq!(tenant.await.unwrap().as_str(), "blue");
/// # });
/// ```
/// Where traces are made, spans inside of it are children of that context. Without one it costs
/// nothing.
pub fn within<F: Future>(context: Option<Context>, future: F) -> Within<F> {
    Within { context, inner: Some(future) }
}

/// The context of a caller that is worked in here, where no span of this process stands for it.
///
/// It is what a task takes along [`within`] itself, when it is spawned with the current span; the
/// [`Spawner`](crate::spawner::Spawner) does both.
pub fn carried() -> Option<Context> {
    Context::map_current(|context| {
        let is_carried = if context.has_active_span() {
            context.span().span_context().is_remote()
        } else {
            !context.baggage().is_empty()
        };
        is_carried.then(|| context.clone())
    })
}

// === impl Within ===

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _attached = this.context.clone().map(Context::attach);
        this.inner.as_pin_mut().expect("it is there until this is dropped").poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::{
        KeyValue,
        trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState},
    };

    use super::{super::current, *};

    fn of(is_remote: bool) -> Context {
        let (trace, span) = (TraceId::from(7), SpanId::from(8));
        let (flags, state) = (TraceFlags::SAMPLED, TraceState::default());
        Context::new()
            .with_remote_span_context(SpanContext::new(trace, span, flags, is_remote, state))
    }

    fn trace() -> Option<u128> {
        current().map(|trace| u128::from_be_bytes(trace.trace_id().to_bytes()))
    }

    #[tokio::test]
    async fn a_context_is_there_inside_alone_and_to_the_very_end() {
        struct AtEnd<'a>(&'a mut Option<u128>);
        impl Drop for AtEnd<'_> {
            fn drop(&mut self) {
                *self.0 = trace();
            }
        }

        let mut at_end = None;
        let cut = within(Some(of(true)), async {
            let _at_end = AtEnd(&mut at_end);
            std::future::pending::<()>().await;
        });
        assert!(futures_util::poll!(Box::pin(cut)).is_pending());
        assert_eq!(at_end, Some(7));
        let seen = within(Some(of(true)), async {
            tokio::task::yield_now().await;
            (trace(), within(None, async { trace() }).await)
        });
        assert_eq!(seen.await, (Some(7), Some(7)));
        assert_eq!(trace(), None);
    }

    #[tokio::test]
    async fn what_a_caller_brought_is_carried_and_a_span_of_our_own_is_not() {
        let carried = async |context| within(context, async { carried() }).await;
        assert!(carried(None).await.is_none());
        assert!(carried(Some(Context::new())).await.is_none());
        assert!(carried(Some(of(false))).await.is_none());
        assert!(carried(Some(of(true))).await.is_some());
        let baggage = Context::new().with_baggage([KeyValue::new("tenant", "blue")]);
        assert!(carried(Some(baggage)).await.is_some());
    }
}
