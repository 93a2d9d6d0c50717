mod lease;

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use self::lease::Lease;
use super::{Grant, HANDED_OVER, LeaderConfig, LeaseStore, OnLoss};
use crate::{
    app::Shared,
    clock::Instant,
    error::{Result, anyhow, bail},
    exit::Exit,
    runnable::{Maker, RunCx, Runnable},
    spawner::panic_message,
};

/// The campaign of one gated runnable.
///
/// Only the local clock is trusted: a lease is valid until the moment *before* its request was sent,
/// plus its time to live. It is renewed every third of that time, with jitter. When two thirds have
/// passed without an answer the work is told to stop; when nine tenths have passed it is aborted.
/// Nobody else can hold the lease before the last tenth has passed too.
pub(crate) struct Campaign {
    name: String,
    config: LeaderConfig,
    store: Arc<dyn LeaseStore>,
    make: Maker,
    shared: Arc<Shared>,
    present: Mutex<Option<Present>>,
}

/// The term that is led at present, for the hard stop, which comes from another task.
#[derive(Clone, Default)]
struct Present {
    instance: Arc<OnceLock<Arc<dyn Runnable>>>,
    /// The drain has no more time.
    cut: CancellationToken,
    /// The work is dropped where it is.
    abandoned: CancellationToken,
    /// The lease has been given back.
    over: CancellationToken,
}

/// Why a term ended, and what follows.
enum TermEnd {
    /// The work ended by itself: that is its own outcome.
    Work(Result<()>),
    /// The application stops, and the work has ended.
    HandedOver,
    /// The application stops, and the work did not in its time.
    StoppedHard,
    /// The lease was lost, or could not be kept. The work came to that, or had to be dropped.
    Lost { reason: String, work: Option<Result<()>> },
}

// === impl Campaign ===

impl Campaign {
    pub(crate) fn new(
        name: String,
        config: LeaderConfig,
        store: Arc<dyn LeaseStore>,
        make: Maker,
        shared: Arc<Shared>,
    ) -> Self {
        Self { name, config, store, make, shared, present: Mutex::default() }
    }

    /// Campaigns and leads, term after term, until stopping begins.
    async fn campaign(&self, cx: RunCx) -> Result<()> {
        self.shared.leaders.campaigns(&self.name);
        cx.ready();
        while !cx.is_stopping() {
            if let Some((grant, valid_until)) = self.acquire(&cx).await {
                match self.lead(&cx, grant, valid_until).await {
                    TermEnd::Work(outcome) => return outcome,
                    TermEnd::HandedOver | TermEnd::StoppedHard => return Ok(()),
                    // Nobody does the rest of it here: code 0 would say that nothing was lost.
                    TermEnd::Lost { reason, work } if cx.is_stopping() => {
                        return work.unwrap_or_else(|| {
                            bail!("it was dropped, because leadership was lost: {reason}")
                        });
                    }
                    TermEnd::Lost { reason, .. } if self.config.on_loss == OnLoss::Stop => {
                        let reason = format!("leadership of `{}` was lost: {reason}", self.name);
                        self.shared.shutdown.request(reason, Exit::RUNNABLE_FAILED);
                        cx.stopping().await;
                        return Ok(());
                    }
                    TermEnd::Lost { .. } => {}
                }
            }
            self.pause(&cx).await;
        }
        Ok(())
    }

    /// Asks for the lease once. A lease that is granted to nobody, because stopping began while the
    /// store answered, is given back.
    async fn acquire(&self, cx: &RunCx) -> Option<(Grant, Instant)> {
        let (clock, ttl) = (cx.clock(), self.config.ttl);
        let sent = clock.now();
        let asked = clock.timeout(self.patience(), self.store.acquire(&self.name, ttl)).await;
        let grant = match asked {
            Ok(Ok(grant)) => {
                self.shared.leaders.store_answers(&self.name);
                grant?
            }
            Ok(Err(error)) => {
                self.shared.leaders.store_fails(&self.name, format!("{error:#}"));
                return None;
            }
            Err(elapsed) => {
                self.shared.leaders.store_fails(&self.name, elapsed.to_string());
                return None;
            }
        };
        if cx.is_stopping() {
            self.release(grant).await;
            return None;
        }
        Some((grant, sent + ttl))
    }

    /// Leads one term. The work has ended, one way or the other, when the lease is given back.
    async fn lead(&self, cx: &RunCx, grant: Grant, valid_until: Instant) -> TermEnd {
        let mut lease = Lease::taken(self, grant);
        let (end, drained) = self.work(cx, &mut lease, valid_until).await;
        let mut reason = match &end {
            TermEnd::Work(Ok(())) => "its work ended".to_owned(),
            TermEnd::Work(Err(error)) => format!("its work failed: {error:#}"),
            TermEnd::HandedOver => HANDED_OVER.to_owned(),
            TermEnd::StoppedHard => "stopped hard".to_owned(),
            TermEnd::Lost { reason, work: Some(Err(error)) } => {
                format!("{reason}; its work failed: {error:#}")
            }
            TermEnd::Lost { reason, .. } => reason.clone(),
        };
        if let Err(error) = &drained {
            reason.push_str(&format!("; its graceful stop failed: {error:#}"));
        }
        if matches!(end, TermEnd::HandedOver) {
            let said = Some(cx.detail()).filter(|said| !said.is_empty());
            let said = said.unwrap_or_else(|| "stopped".to_owned());
            cx.report(format!("{said}, leadership {HANDED_OVER} (term {})", lease.term().token()));
        }
        lease.end(reason).await;
        match (end, drained) {
            (TermEnd::HandedOver | TermEnd::Lost { work: Some(Ok(())), .. }, Err(error)) => {
                TermEnd::Work(Err(error))
            }
            (end, _) => end,
        }
    }

    /// Does the work of a term and keeps its lease meanwhile. Returns why the term ended, and how the
    /// drain went; what is left of the work is dropped by then.
    async fn work(
        &self,
        cx: &RunCx,
        lease: &mut Lease<'_>,
        mut valid_until: Instant,
    ) -> (TermEnd, Result<()>) {
        let (clock, ttl) = (cx.clock(), self.config.ttl);
        let (skew, third) = (ttl / 10, ttl / 3);
        let end_of_term = CancellationToken::new();
        let present = lease.present.clone();
        let work_cx = cx.for_term(lease.term(), end_of_term.clone());
        let mut work = std::pin::pin!(caught(async {
            // The factory is the user's, and may panic like the rest.
            let instance = present.instance.get_or_init(|| (self.make)());
            instance.init().await?;
            instance.run(work_cx).await
        }));
        let mut drain = std::pin::pin!(async {
            cx.stopping().await;
            // The intake stops first; an error of it must not stop the stopping.
            let drained = tokio::select! {
                biased;
                () = present.cut.cancelled() => Ok(()),
                drained = caught(present.drain()) => drained,
            };
            end_of_term.cancel();
            drained
        });
        let mut drained = None;
        let mut ended = None;
        let mut lost = None;
        let mut next_renewal = clock.now() + cx.entropy().jitter(third, 0.2);

        let end = loop {
            tokio::select! {
                biased;
                outcome = &mut drain, if drained.is_none() => drained = Some(outcome),
                () = present.abandoned.cancelled() => break TermEnd::StoppedHard,
                () = clock.sleep_until(valid_until - skew) => {
                    // Dropping the work is the abort: from here on somebody else may lead.
                    let reason = lost.unwrap_or_else(|| "the lease store did not answer".into());
                    break TermEnd::Lost { reason, work: None };
                }
                () = clock.sleep_until(valid_until - third), if lost.is_none() => {
                    lost = Some("the lease could not be renewed in time".to_owned());
                    lease.keep();
                    end_of_term.cancel();
                }
                (sent, renewed) = self.renew(cx, lease.grant(), next_renewal), if lost.is_none() => {
                    match renewed {
                        Ok(Some(renewed)) => {
                            self.shared.leaders.store_answers(&self.name);
                            valid_until = sent + ttl;
                            next_renewal = clock.now() + cx.entropy().jitter(third, 0.2);
                            // The work knows one token, and whoever saw another refuses it.
                            if lease.renewed(renewed) {
                                lost = Some("the store has begun another term".to_owned());
                                end_of_term.cancel();
                            }
                        }
                        Ok(None) => {
                            lost = Some("another instance holds the lease".to_owned());
                            lease.keep();
                            end_of_term.cancel();
                        }
                        Err(error) => {
                            self.shared.leaders.store_fails(&self.name, error);
                            next_renewal = clock.now() + cx.entropy().jitter(third / 4, 0.5);
                        }
                    }
                }
                // Last, for work that is always ready leaves nothing of its task's budget to timers
                // that are polled behind it.
                outcome = &mut work, if ended.is_none() => ended = Some(outcome),
            }
            // What drains has not ended, although its run has.
            if cx.is_stopping() && drained.is_none() {
                continue;
            }
            let Some(outcome) = ended.take() else { continue };
            break if let Some(reason) = lost {
                TermEnd::Lost { reason, work: Some(outcome) }
            } else if cx.is_stopping() && outcome.is_ok() {
                TermEnd::HandedOver
            } else {
                TermEnd::Work(outcome)
            };
        };
        (end, drained.unwrap_or(Ok(())))
    }

    /// Renews at `at`. Returns when the request was sent, for the lease counts from there.
    async fn renew(
        &self,
        cx: &RunCx,
        grant: &Grant,
        at: Instant,
    ) -> (Instant, Result<Option<Grant>, String>) {
        let clock = cx.clock();
        clock.sleep_until(at).await;
        let sent = clock.now();
        let asked = self.store.renew(grant, self.config.ttl);
        let renewed = match clock.timeout(self.patience(), asked).await {
            Ok(answer) => answer.map_err(|error| format!("{error:#}")),
            Err(elapsed) => Err(elapsed.to_string()),
        };
        (sent, renewed)
    }

    async fn release(&self, grant: Grant) {
        // What is not released runs out by itself, so that a failure needs no more than its line.
        let released = self.shared.clock.timeout(self.patience(), self.store.release(grant)).await;
        let error = match released {
            Ok(Ok(())) => return,
            Ok(Err(error)) => format!("{error:#}"),
            Err(elapsed) => elapsed.to_string(),
        };
        self.shared.leaders.store_fails(&self.name, error);
    }

    /// How long one answer of the store is waited for.
    fn patience(&self) -> Duration {
        self.config.ttl / 6
    }

    async fn pause(&self, cx: &RunCx) {
        let pause = cx.entropy().jitter(self.config.ttl / 3, 0.2);
        tokio::select! {
            () = cx.stopping() => {}
            () = cx.clock().sleep(pause) => {}
        }
    }

    fn set_present(&self, present: Option<Present>) {
        *self.present.lock().unwrap_or_else(PoisonError::into_inner) = present;
    }
}

#[async_trait]
impl Runnable for Campaign {
    /// Drains the work of the term, too, once stopping begins: beside it and in one task, so that
    /// neither is left when the lease goes.
    async fn run(&self, cx: RunCx) -> Result<()> {
        self.campaign(cx).await
    }

    async fn shutdown(&self) -> Result<()> {
        let present = self.present.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(present) = present else { return Ok(()) };
        present.cut.cancel();
        let stopped = match present.instance.get() {
            Some(instance) => caught(instance.shutdown()).await,
            None => Ok(()),
        };
        // This task is aborted next. The lease goes before, so that a successor need not wait for it.
        present.abandoned.cancel();
        present.over.cancelled().await;
        stopped
    }
}

// === impl Present ===

impl Present {
    async fn drain(&self) -> Result<()> {
        match self.instance.get() {
            Some(instance) => instance.graceful_shutdown().await,
            None => Ok(()),
        }
    }
}

/// What a user's code comes to, with a panic as an error.
async fn caught(code: impl Future<Output = Result<()>>) -> Result<()> {
    AssertUnwindSafe(code)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| Err(anyhow!("panicked: {}", panic_message(&*panic))))
}
