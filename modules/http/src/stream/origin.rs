//! What a stream goes on in.

use std::future::Future;

use purlin::trace::{self, Context, CorrelationId};
use tracing::{Instrument as _, Span};

/// The request that a stream is the answer to: its span, its correlation id, and what its caller
/// brought. A stream outlives the future of its request, and is driven by the connection.
pub(crate) struct Origin {
    span: Span,
    id: Option<CorrelationId>,
    brought: Option<Context>,
}

// === impl Origin ===

impl Origin {
    /// The request that is being answered here.
    pub(crate) fn current() -> Self {
        let (span, id) = (Span::current(), CorrelationId::current());
        Self { span, id, brought: trace::carried() }
    }

    /// Does something in the course of the request.
    pub(crate) fn within<T>(&self, act: impl FnOnce() -> T) -> T {
        let _attached = self.brought.clone().map(Context::attach);
        CorrelationId::sync_scope(self.id.clone(), || self.span.in_scope(act))
    }

    /// Runs `future` in the course of the request.
    pub(crate) fn follow<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        let Self { span, id, brought } = self;
        trace::within(brought, CorrelationId::scope(id, future.instrument(span)))
    }
}
