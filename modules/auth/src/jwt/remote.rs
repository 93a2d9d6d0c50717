//! A set of keys that is fetched, and fetched again.
//!
//! One task owns all fetches after the first: the [`Refresher`]. A request with an unknown key asks
//! it and waits for its next attempt. So there is never more than one fetch at a time, no caller can
//! cancel one by hanging up, and the cool-down has one place.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use jsonwebtoken::Algorithm;
use purlin::{
    async_trait,
    clock::{Clock, Instant},
    error::{Context as _, Result, bail, ensure},
    meter::Meter,
    runnable::{RunCx, Runnable},
};
use reqwest::{Client, redirect::Policy};
use tokio::sync::{Notify, watch};
use url::Url;

use super::{
    bearer::Token,
    config::JwtConfig,
    error::{SetupError, TokenError},
    key::Key,
    key_set::KeySet,
    metrics::{KEY_FETCHES, Outcomes},
};

/// Keeps the keys of a [`JwtAuthenticator`](super::JwtAuthenticator) up to date.
#[derive(Debug, Clone)]
pub struct Refresher(Arc<RemoteKeys>);

/// A set of keys that is fetched.
#[derive(Debug)]
pub(super) struct RemoteKeys {
    source: Source,
    every: Duration,
    cooldown: Duration,
    clock: Clock,
    keys: ArcSwap<KeySet>,
    attempts: watch::Sender<Attempt>,
    demand: Notify,
    fetches: Outcomes,
}

/// Where keys come from, and which are taken.
#[derive(Debug)]
struct Source {
    http: Client,
    url: Url,
    /// The address without what may be secret in it.
    shown: Url,
    timeout: Duration,
    allowed: Vec<Algorithm>,
}

/// The latest attempt to fetch.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    /// When it ended.
    pub(super) at: Instant,
    /// When one last succeeded.
    pub(super) fetched: Instant,
    /// Why this one did not.
    pub(super) error: Option<Arc<str>>,
}

/// A set of keys is some kilobytes; whoever sends this much is not the issuer.
const LONGEST: usize = 1024 * 1024;

// === impl RemoteKeys ===

impl RemoteKeys {
    /// Fetches the keys for the first time.
    pub(super) async fn fetch(
        url: &Url,
        config: &JwtConfig,
        clock: &Clock,
        meter: &Meter,
    ) -> Result<Self, SetupError> {
        let shown = shown(url);
        if url.scheme() != "http" {
            return Err(SetupError::Scheme(shown.to_string()));
        }
        let failed = |source| SetupError::Fetch { url: shown.to_string(), source };
        // A key set is where it was said to be: whoever can redirect could also replace it.
        let http = Client::builder().redirect(Policy::none()).no_proxy().build();
        let source = Source {
            http: http.map_err(|error| failed(error.into()))?,
            url: url.clone(),
            shown: shown.clone(),
            timeout: config.jwks_timeout,
            allowed: config.algorithms.clone(),
        };
        let fetches = Outcomes::new(meter, &KEY_FETCHES);
        let keys = source.fetch(clock).await;
        fetches.count(outcome(&keys));
        let (keys, now) = (keys.map_err(failed)?, clock.now());
        Ok(Self {
            source,
            every: config.jwks_refresh,
            cooldown: config.jwks_cooldown,
            clock: clock.clone(),
            keys: ArcSwap::from_pointee(keys),
            attempts: watch::Sender::new(Attempt { at: now, fetched: now, error: None }),
            demand: Notify::new(),
            fetches,
        })
    }

    /// The key that `token` was signed with, if it tells the truth; fetches anew where it names one
    /// that is not known.
    pub(super) async fn find(&self, token: &Token<'_>) -> Result<Arc<Key>, TokenError> {
        match self.keys.load().find(token) {
            Err(TokenError::UnknownKey(_)) if token.key_id.is_some() => {}
            found => return found,
        }
        let mut attempts = self.attempts.subscribe();
        if self.is_due() {
            self.demand.notify_one();
            // The refresher keeps to its own limit; the time on top is for a service that stops.
            let limit = self.source.timeout + Duration::from_secs(1);
            let _ = self.clock.timeout(limit, attempts.changed()).await;
        }
        let error = attempts.borrow().error.clone();
        match (self.keys.load().find(token), error) {
            (Err(TokenError::UnknownKey(_)), Some(error)) => {
                Err(TokenError::Unavailable(error.to_string()))
            }
            (found, _) => found,
        }
    }

    /// Whether the cool-down is over.
    fn is_due(&self) -> bool {
        self.clock.now() - self.attempts.borrow().at >= self.cooldown
    }

    async fn refresh(&self) {
        let keys = self.source.fetch(&self.clock).await;
        self.fetches.count(outcome(&keys));
        let error = match keys {
            Ok(keys) => {
                self.keys.store(Arc::new(keys));
                None
            }
            Err(error) => {
                let error: Arc<str> = format!("{error:#}").into();
                tracing::warn!(url = %self.source.shown, error = &*error, "the keys could not be fetched anew; the old ones stay");
                Some(error)
            }
        };
        let at = self.clock.now();
        // The keys come first: whoever is woken by the attempt finds them.
        self.attempts.send_modify(|attempt| {
            let fetched = if error.is_none() { at } else { attempt.fetched };
            *attempt = Attempt { at, fetched, error };
        });
    }

    /// The latest attempt to fetch.
    pub(super) fn attempt(&self) -> Attempt {
        self.attempts.borrow().clone()
    }

    /// How long ago the keys were fetched.
    pub(super) fn age(&self) -> Duration {
        self.clock.now() - self.attempts.borrow().fetched
    }

    pub(super) fn len(&self) -> usize {
        self.keys.load().len()
    }

    /// The address, without what may be secret in it.
    pub(super) fn address(&self) -> &Url {
        &self.source.shown
    }
}

// === impl Source ===

impl Source {
    async fn fetch(&self, clock: &Clock) -> Result<KeySet> {
        let body = clock.timeout(self.timeout, self.body()).await??;
        Ok(KeySet::read(&body, &self.allowed)?)
    }

    async fn body(&self) -> Result<Vec<u8>> {
        let answer = self.http.get(self.url.clone()).send().await;
        let mut answer = answer.map_err(reqwest::Error::without_url)?;
        ensure!(answer.status().is_success(), "the answer is {}", answer.status());
        let mut body = Vec::new();
        loop {
            let chunk = answer.chunk().await.map_err(reqwest::Error::without_url);
            let Some(chunk) = chunk.context("the answer broke off")? else { return Ok(body) };
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                bail!("the answer is longer than {LONGEST} bytes");
            }
        }
    }
}

// === impl Refresher ===

impl Refresher {
    pub(super) fn new(keys: Arc<RemoteKeys>) -> Self {
        Self(keys)
    }
}

#[async_trait]
impl Runnable for Refresher {
    async fn run(&self, cx: RunCx) -> Result<()> {
        let keys = &self.0;
        let mut tick = cx.interval(keys.every);
        cx.ready();
        loop {
            tokio::select! {
                next = tick.next() => if next.is_none() { return Ok(()) },
                // Who asked while the last fetch was under way has been served by it.
                () = keys.demand.notified() => if !keys.is_due() { continue },
            }
            tokio::select! {
                () = cx.stopping() => return Ok(()),
                () = keys.refresh() => {}
            }
        }
    }
}

fn shown(url: &Url) -> Url {
    let mut shown = url.clone();
    // These fail for addresses that cannot have what they remove.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown
}

fn outcome<T>(outcome: &Result<T>) -> &'static str {
    if outcome.is_ok() { "ok" } else { "error" }
}
