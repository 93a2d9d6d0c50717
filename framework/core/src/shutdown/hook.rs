use std::{future::Future, sync::Arc};

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use crate::{
    error::Result,
    runnable::{OnEnd, RunCx, RunSpec, Runnable, Tier},
    undo::Outcome,
};

/// A function that is called at stop, as a runnable that only stops.
struct Hook(Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>);

/// The runnable that calls `hook` when its tier stops.
pub(crate) fn spec<F, O>(
    name: impl Into<String>,
    tier: Tier,
    hook: impl Fn() -> F + Send + Sync + 'static,
) -> RunSpec
where
    F: Future<Output = O> + Send + 'static,
    O: Outcome,
{
    let hook: Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync> = Arc::new(move || {
        let called = hook();
        Box::pin(async move { called.await.into_result() })
    });
    let mut spec = RunSpec::new(name, Arc::new(move || Arc::new(Hook(hook.clone()))));
    spec.tier(tier).on_end(OnEnd::Ignore);
    spec
}

#[async_trait]
impl Runnable for Hook {
    async fn run(&self, cx: RunCx) -> Result<()> {
        cx.ready();
        cx.stopping().await;
        Ok(())
    }

    async fn graceful_shutdown(&self) -> Result<()> {
        (self.0)().await
    }
}
