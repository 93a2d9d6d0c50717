use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Grant, LeaderConfig, LeaseStore, OnLoss, Term};
use crate::{
    app::Shared,
    clock::Instant,
    error::{Result, anyhow},
    event::Event,
    exit::Exit,
    page::Page,
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
    pub(crate) name: String,
    pub(crate) config: LeaderConfig,
    pub(crate) store: Arc<dyn LeaseStore>,
    pub(crate) make: Maker,
    pub(crate) shared: Arc<Shared>,
}

/// Why a term ended, and what follows.
enum TermEnd {
    /// The work ended by itself: that is its own outcome.
    Work(Result<()>),
    /// The application stops; the lease was released.
    HandedOver,
    /// The lease was lost, or could not be kept.
    Lost(String),
}

// === impl Campaign ===

impl Campaign {
    /// Campaigns and leads, term after term, until stopping begins.
    async fn campaign(&self, cx: RunCx) -> Result<()> {
        self.shared.leaders.campaigns(&self.name);
        cx.ready();
        while !cx.is_stopping() {
            if let Some((grant, valid_until)) = self.acquire(&cx).await {
                match self.lead(&cx, grant, valid_until).await {
                    TermEnd::Work(outcome) => return outcome,
                    TermEnd::HandedOver => return Ok(()),
                    TermEnd::Lost(reason) if self.config.on_loss == OnLoss::Stop => {
                        let reason = format!("leadership of `{}` was lost: {reason}", self.name);
                        self.shared.shutdown.request(reason, Exit::RUNNABLE_FAILED);
                        cx.stopping().await;
                        return Ok(());
                    }
                    TermEnd::Lost(_) => {}
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
            self.release(cx, grant).await;
            return None;
        }
        Some((grant, sent + ttl))
    }

    async fn lead(&self, cx: &RunCx, grant: Grant, mut valid_until: Instant) -> TermEnd {
        let (clock, ttl) = (cx.clock(), self.config.ttl);
        let (skew, third) = (ttl / 10, ttl / 3);
        let term = Term::new(self.name.as_str(), grant.token);
        let end_of_term = CancellationToken::new();
        let instance = (self.make)();
        let work = supervised(instance.clone(), cx.for_term(term, end_of_term.clone()));
        let mut work = std::pin::pin!(work);
        self.shared.leaders.acquired(&self.name, grant.token);
        self.shared
            .events
            .emit(Event::LeadershipAcquired { name: self.name.clone(), token: grant.token });

        let mut next_renewal = clock.now() + cx.entropy().jitter(third, 0.2);
        let mut lost = None;
        let mut graceful = std::pin::pin!(async {
            cx.stopping().await;
            // The intake stops first; an error of it must not stop the stopping.
            let drained = instance.graceful_shutdown().await;
            end_of_term.cancel();
            drained
        });
        let mut drained = false;

        let end = loop {
            tokio::select! {
                biased;
                outcome = &mut work => break if cx.is_stopping() {
                    outcome.map_or_else(|error| TermEnd::Work(Err(error)), |()| TermEnd::HandedOver)
                } else if let Some(reason) = lost {
                    TermEnd::Lost(reason)
                } else {
                    TermEnd::Work(outcome)
                },
                _ = &mut graceful, if !drained => drained = true,
                () = clock.sleep_until(valid_until - skew) => {
                    // Dropping the work is the abort: from here on somebody else may lead.
                    break TermEnd::Lost(lost.unwrap_or_else(|| "the lease store did not answer".into()));
                }
                () = clock.sleep_until(valid_until - third), if lost.is_none() => {
                    lost = Some("the lease could not be renewed in time".to_owned());
                    end_of_term.cancel();
                }
                (sent, renewed) = self.renew(cx, &grant, next_renewal), if lost.is_none() => {
                    match renewed {
                        Ok(Some(_)) => {
                            self.shared.leaders.store_answers(&self.name);
                            valid_until = sent + ttl;
                            next_renewal = clock.now() + cx.entropy().jitter(third, 0.2);
                        }
                        Ok(None) => {
                            lost = Some("another instance holds the lease".to_owned());
                            end_of_term.cancel();
                        }
                        Err(error) => {
                            self.shared.leaders.store_fails(&self.name, error);
                            next_renewal = clock.now() + cx.entropy().jitter(third / 4, 0.5);
                        }
                    }
                }
            }
        };
        let token = grant.token;
        let reason = match &end {
            TermEnd::Work(Ok(())) => "its work ended".to_owned(),
            TermEnd::Work(Err(error)) => format!("its work failed: {error:#}"),
            TermEnd::HandedOver => "handed over".to_owned(),
            TermEnd::Lost(reason) => reason.clone(),
        };
        // The work has ended, one way or the other: only now may the lease go.
        if !matches!(end, TermEnd::Lost(_)) {
            self.release(cx, grant).await;
        }
        self.shared.leaders.lost(&self.name, &reason);
        self.shared.events.emit(Event::LeadershipLost { name: self.name.clone(), token, reason });
        end
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

    async fn release(&self, cx: &RunCx, grant: Grant) {
        // What is not released runs out by itself, so that a failure needs no more than its event.
        let released = cx.clock().timeout(self.patience(), self.store.release(grant)).await;
        if let Ok(Err(error)) = released {
            self.shared.leaders.store_fails(&self.name, format!("{error:#}"));
        }
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
}

#[async_trait]
impl Runnable for Campaign {
    async fn run(&self, cx: RunCx) -> Result<()> {
        self.campaign(cx).await
    }
}

/// One instance from its `init` to its end, with a panic as an error.
async fn supervised(instance: Arc<dyn Runnable>, cx: RunCx) -> Result<()> {
    let run = AssertUnwindSafe(async {
        instance.init().await?;
        instance.run(cx).await
    });
    run.catch_unwind()
        .await
        .unwrap_or_else(|panic| Err(anyhow!("panicked: {}", panic_message(&*panic))))
}

/// Who leads what, for the page `leaders`.
#[derive(Debug, Default)]
pub(crate) struct Leaders(Mutex<BTreeMap<String, Status>>);

#[derive(Debug, Default, Clone)]
struct Status {
    token: Option<u64>,
    terms: u64,
    last_end: Option<String>,
    store_error: Option<String>,
}

// === impl Leaders ===

impl Leaders {
    fn campaigns(&self, name: &str) {
        self.change(name, |_| {});
    }

    fn acquired(&self, name: &str, token: u64) {
        self.change(name, |status| {
            status.token = Some(token);
            status.terms += 1;
        });
    }

    fn lost(&self, name: &str, reason: &str) {
        self.change(name, |status| {
            status.token = None;
            status.last_end = Some(reason.to_owned());
        });
    }

    fn store_answers(&self, name: &str) {
        self.change(name, |status| status.store_error = None);
    }

    /// Logs the first failure in a row; the page shows the latest.
    fn store_fails(&self, name: &str, error: String) {
        self.change(name, |status| {
            if status.store_error.is_none() {
                tracing::warn!(leader = name, error, "the lease store does not answer");
            }
            status.store_error = Some(error);
        });
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Status)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(name.to_owned()).or_default());
    }
}

#[async_trait]
impl Page for Leaders {
    async fn read(&self) -> Result<Value> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(all
            .iter()
            .map(|(name, status)| {
                json!({
                    "name": name,
                    "leading": status.token.is_some(),
                    "token": status.token,
                    "terms": status.terms,
                    "last_end": status.last_end,
                    "store_error": status.store_error,
                })
            })
            .collect())
    }
}
